#pragma once
#include "core/noise.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

namespace fewstep {

// Predicts x0 from x [B,C,h,w] at a noise level; same shape and dtype, input unmodified.
using Denoiser = std::function<at::Tensor(const at::Tensor& x, const NoiseLevel& level)>;

// Classifier-free guidance in x0: (1+omega)·cond − omega·uncond, which equals guidance in eps or v at one level.
Denoiser with_guidance(Denoiser cond, Denoiser uncond, double omega);

}  // namespace fewstep
