#include "checkpoints/prediction.h"

#include "core/error.h"

#include <ATen/TensorOperators.h>

#include <cmath>

namespace fewstep {

Tensor x0_from(Prediction prediction, const Tensor& x, const Tensor& out, const NoiseLevel& level) {
  switch (prediction) {
    case Prediction::kEpsilon:
      if (level.alpha == 0) {
        throw input_error("prediction_type",
                          "expected v_prediction or sample at the last time of a schedule with zero terminal SNR "
                          "(rescale_betas_zero_snr), got epsilon, from which no image follows there; use spacing "
                          "leading, which does not begin at that time");
      }
      return x.sub(out, level.sigma).div(level.alpha);
    case Prediction::kV:
      return x.mul(level.alpha).sub(out, level.sigma);
    case Prediction::kSample:
      return out;
  }
  throw input_error("prediction_type", "expected epsilon, v_prediction or sample");
}

Tensor x0_from(Prediction prediction, const Tensor& x, const Tensor& out, const Levels& levels) {
  switch (prediction) {
    case Prediction::kEpsilon:
      return (x - levels.sigma * out) / levels.alpha;
    case Prediction::kV:
      return levels.alpha * x - levels.sigma * out;
    case Prediction::kSample:
      break;
  }
  return out;
}

Tensor target_of(Prediction prediction, const Tensor& x0, const Tensor& eps, const Levels& levels) {
  switch (prediction) {
    case Prediction::kEpsilon:
      return eps;
    case Prediction::kV:
      return levels.alpha * eps - levels.sigma * x0;
    case Prediction::kSample:
      break;
  }
  return x0;
}

Boundary boundary_at(double time, double timestep_scaling, double sigma_data) {
  const double scaled = time * timestep_scaling, variance = sigma_data * sigma_data;
  const double total = scaled * scaled + variance;
  return {variance / total, scaled / std::sqrt(total)};
}

Denoiser make_denoiser(Evaluator& evaluator, double omega, std::int64_t* forwards) {
  return make_denoiser(evaluator, evaluator.checkpoint().info.kind, omega, forwards);
}

Denoiser make_denoiser(Evaluator& evaluator, CheckpointKind as, double omega, std::int64_t* forwards) {
  const CheckpointInfo& info = evaluator.checkpoint().info;
  const bool guided = !info.omega_embedding && omega != 0;
  return [&evaluator, &info, as, omega, guided, forwards](const Tensor& x, const NoiseLevel& level) {
    Tensor out = evaluator.evaluate({level.time, info.omega_embedding ? omega : 0, guided}, x);
    if (forwards) *forwards += guided ? 2 : 1;
    if (guided) {
      const auto halves = out.chunk(2);
      out = halves[0].add(halves[1].sub(halves[0]), 1 + omega);
    }
    const Tensor x0 = x0_from(info.prediction, x, out, level);
    if (as != CheckpointKind::kConsistency) return x0;
    const Boundary boundary = boundary_at(level.time, info.timestep_scaling);
    return x.mul(boundary.c_skip).add(x0, boundary.c_out);
  };
}

}  // namespace fewstep
