#pragma once
#include "core/noise.h"
#include "distill/levels.h"
#include "settings/recipe.h"

#include <span>
#include <string_view>

namespace fewstep {

// x at `from` → x at `to` for an x0 that holds along the way: samplers/steps.h first_order_step, a level an element.
Tensor first_order_step(const Tensor& x, const Tensor& x0, const Levels& from, const Levels& to);

// One step of the probability-flow ODE from z_{n+k} to ẑ_n, as consistency distillation takes it.
//   ddim:  first order (arXiv 2310.04378, eq. 13), one evaluation. The first-order steps of the DPM solvers are the
//   same. dpm:   DPM-Solver-2, single step by the middle of λ (Lu et al. 2022a, algorithm 1), two evaluations. dpm++:
//   DPM-Solver++(2S) with r = 1/2 (Lu et al. 2022b, algorithm 1), two evaluations.
// denoiser: the teacher's x0 under guidance.
struct SolverStep {
  Solver solver;
  std::string_view source;
  Tensor (*run)(const BatchDenoiser& denoiser, const Schedule& schedule, const Tensor& x,
                std::span<const NoiseLevel> from, std::span<const NoiseLevel> to);
};
const SolverStep& solver_step(Solver solver);

}  // namespace fewstep
