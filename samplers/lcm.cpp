#include "samplers/registry.h"

namespace fewstep {

// Multistep consistency sampling: the denoiser is the consistency function; noise between evaluations, none after the
// last. Source: Luo et al. 2023 (arXiv 2310.04378), algorithm 3; diffusers LCMScheduler.
at::Tensor sample_lcm(const Denoiser& denoiser, at::Tensor x, std::span<const NoiseLevel> levels, Rng& rng) {
  at::Tensor x0 = denoiser(x, levels[0]);
  for (std::size_t i = 1; i + 1 < levels.size(); ++i) {
    const at::Tensor noise = rng.normal(x.sizes()).to(x0.options());
    x0 = denoiser(x0.mul(levels[i].alpha).add(noise, levels[i].sigma), levels[i]);
  }
  return x0;
}

}  // namespace fewstep
