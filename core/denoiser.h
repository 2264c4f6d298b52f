#pragma once
#include "core/noise.h"

#include <ATen/core/Tensor.h>

#include <functional>

namespace fewstep {

// Predicts x0 from x [B,C,h,w] at a noise level; same shape and dtype, input unmodified.
using Denoiser = std::function<at::Tensor(const at::Tensor& x, const NoiseLevel& level)>;

}  // namespace fewstep
