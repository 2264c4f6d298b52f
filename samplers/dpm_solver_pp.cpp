#include "samplers/registry.h"
#include "samplers/steps.h"

namespace fewstep {

// DPM-Solver++(2M), midpoint. Source: Lu et al. 2022b, algorithm 2; diffusers "dpmsolver++".
at::Tensor sample_dpm_solver_pp(const Denoiser& denoiser, at::Tensor x, std::span<const NoiseLevel> levels, Rng&) {
  const std::size_t n = levels.size() - 1;
  at::Tensor before;
  for (std::size_t i = 0; i < n; ++i) {
    const at::Tensor x0 = denoiser(x, levels[i]);
    x = is_first_order(i, n, levels[i + 1]) ? first_order_step(x, x0, levels[i], levels[i + 1])
                                            : midpoint_step(x, x0, before, levels[i - 1], levels[i], levels[i + 1]);
    before = x0;
  }
  return x;
}

}  // namespace fewstep
