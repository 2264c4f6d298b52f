#include "distill/solver_step.h"

#include <ATen/TensorOperators.h>

#include <algorithm>
#include <array>
#include <vector>

namespace fewstep {
namespace {

Levels stacked_with_finite_lambda(std::span<const NoiseLevel> levels, at::Device device) {
  std::vector<NoiseLevel> finite;
  for (const NoiseLevel& level : levels) finite.push_back(with_finite_lambda(level));
  return stacked(finite, device);
}

// The same as first_order_step for a noise that holds along the way.
Tensor first_order_in_noise(const Tensor& x, const Tensor& eps, const Levels& from, const Levels& to) {
  const Tensor ratio = to.alpha / from.alpha;
  return ratio * x + (to.sigma - from.sigma * ratio) * eps;
}

std::vector<NoiseLevel> middles(const Schedule& schedule, std::span<const NoiseLevel> from,
                                std::span<const NoiseLevel> to) {
  std::vector<NoiseLevel> levels;
  for (std::size_t b = 0; b < from.size(); ++b)
    levels.push_back(level_at_lambda(schedule, (lambda(with_finite_lambda(from[b])) + lambda(to[b])) / 2));
  return levels;
}

Tensor ddim(const BatchDenoiser& denoiser, const Schedule&, const Tensor& x, std::span<const NoiseLevel> from,
            std::span<const NoiseLevel> to) {
  const Levels start = stacked(from, x.device());
  return first_order_step(x, denoiser(x, start), start, stacked(to, x.device()));
}

Tensor dpm(const BatchDenoiser& denoiser, const Schedule& schedule, const Tensor& x, std::span<const NoiseLevel> from,
           std::span<const NoiseLevel> to) {
  const Levels start = stacked_with_finite_lambda(from, x.device()), end = stacked(to, x.device());
  const Levels middle = stacked(middles(schedule, from, to), x.device());
  const Tensor half = first_order_step(x, denoiser(x, start), start, middle), x0 = denoiser(half, middle);
  return first_order_in_noise(x, (half - middle.alpha * x0) / middle.sigma, start, end);
}

Tensor dpm_pp(const BatchDenoiser& denoiser, const Schedule& schedule, const Tensor& x,
              std::span<const NoiseLevel> from, std::span<const NoiseLevel> to) {
  const Levels start = stacked_with_finite_lambda(from, x.device()), end = stacked(to, x.device());
  const Levels middle = stacked(middles(schedule, from, to), x.device());
  const Tensor half = first_order_step(x, denoiser(x, start), start, middle);
  return first_order_step(x, denoiser(half, middle), start, end);
}

constexpr std::array<SolverStep, kSolvers.size()> kSteps{{
    {Solver::kDdim, "Luo et al. 2023, eq. 13; Song et al. 2021, eq. 12", ddim},
    {Solver::kDpm, "Lu et al. 2022a, algorithm 1 (DPM-Solver-2)", dpm},
    {Solver::kDpmPp, "Lu et al. 2022b, algorithm 1 (DPM-Solver++(2S))", dpm_pp},
}};

}  // namespace

Tensor first_order_step(const Tensor& x, const Tensor& x0, const Levels& from, const Levels& to) {
  const Tensor ratio = to.sigma / from.sigma;
  return ratio * x + (to.alpha - from.alpha * ratio) * x0;
}

const SolverStep& solver_step(Solver solver) {
  return *std::find_if(kSteps.begin(), kSteps.end(), [&](const SolverStep& step) { return step.solver == solver; });
}

}  // namespace fewstep
