#include "samplers/registry.h"
#include "samplers/steps.h"

#include <cmath>

namespace fewstep {
namespace {

at::Tensor eps_from(const at::Tensor& x, const at::Tensor& x0, const NoiseLevel& level) {
  return x.sub(x0, level.alpha).div(level.sigma);
}

// (α_t/α_s)·x − σ_t·(e^h − 1)·(eps + ½(eps − eps_before)·h/h_before)
at::Tensor noise_midpoint_step(const at::Tensor& x, const at::Tensor& eps, const at::Tensor& eps_before,
                               const NoiseLevel& before, const NoiseLevel& from, const NoiseLevel& to) {
  const double h = lambda(to) - lambda(from), h_before = lambda(from) - lambda(before);
  const at::Tensor extrapolated = eps.add(eps.sub(eps_before), 0.5 * h / h_before);
  return x.mul(to.alpha / from.alpha).sub(extrapolated, to.sigma * std::expm1(h));
}

}  // namespace

// DPM-Solver, multistep order 2, midpoint. Source: Lu et al. 2022a; diffusers DPMSolverMultistepScheduler "dpmsolver".
// Unlike diffusers it also runs into sigma = 0, by the limit of its first-order step.
at::Tensor sample_dpm_solver(const Denoiser& denoiser, at::Tensor x, std::span<const NoiseLevel> levels, Rng&) {
  const std::size_t n = levels.size() - 1;
  at::Tensor x0_before, eps_before;
  for (std::size_t i = 0; i < n; ++i) {
    const NoiseLevel &from = levels[i], &to = levels[i + 1];
    const at::Tensor x0 = denoiser(x, from);
    const at::Tensor eps = eps_from(x, x0, from);
    if (is_first_order(i, n, to)) {
      x = first_order_step(x, x0, from, to);
    } else if (i == 1) {
      x = midpoint_step(x, x0, x0_before, levels[0], from, to);  // the same as DPM-Solver++ here: see steps.h
    } else {
      x = noise_midpoint_step(x, eps, eps_before, levels[i - 1], from, to);
    }
    x0_before = x0;
    eps_before = eps;
  }
  return x;
}

}  // namespace fewstep
