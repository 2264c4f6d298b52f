#pragma once
#include "core/denoiser.h"

#include <ATen/TensorOperators.h>

#include <utility>

namespace fewstep {

// Classifier-free guidance in x0: (1+omega)·cond − omega·uncond, which equals guidance in eps or v at one level.
inline Denoiser with_guidance(Denoiser cond, Denoiser uncond, double omega) {
  return [cond = std::move(cond), uncond = std::move(uncond), omega](const at::Tensor& x, const NoiseLevel& level) {
    const at::Tensor without = uncond(x, level);
    return without.add(cond(x, level).sub(without), 1 + omega);
  };
}

}  // namespace fewstep
