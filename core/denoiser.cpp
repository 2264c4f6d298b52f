#include "core/denoiser.h"

#include <utility>

namespace fewstep {

Denoiser with_guidance(Denoiser cond, Denoiser uncond, double omega) {
  return [cond = std::move(cond), uncond = std::move(uncond), omega](const at::Tensor& x, const NoiseLevel& level) {
    const at::Tensor without = uncond(x, level);
    return without.add(cond(x, level).sub(without), 1 + omega);
  };
}

}  // namespace fewstep
