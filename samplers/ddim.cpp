#include "samplers/registry.h"
#include "samplers/steps.h"

namespace fewstep {

// DDIM without noise (eta = 0). Source: Song et al. 2021, eq. 12; diffusers DDIMScheduler.
at::Tensor sample_ddim(const Denoiser& denoiser, at::Tensor x, std::span<const NoiseLevel> levels, Rng&) {
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) {
    x = first_order_step(x, denoiser(x, levels[i]), levels[i], levels[i + 1]);
  }
  return x;
}

}  // namespace fewstep
