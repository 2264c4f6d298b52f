#include "models/prediction.h"

#include "core/error.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>

#include <cmath>
#include <utility>

namespace fewstep {
namespace {

Tensor repeated(const Tensor& states, std::int64_t batch) {
  return states.size(0) == batch ? states : states.expand({batch, states.size(1), states.size(2)});
}

struct Network {
  const Checkpoint& checkpoint;
  std::int64_t* forwards;

  // The raw prediction as float32.
  Tensor operator()(const Tensor& x, double time, const Tensor& states, const Tensor& omega_embedding) const {
    const Tensor times = at::full({x.size(0)}, time, x.options().dtype(at::kFloat));
    return forward(checkpoint.unet, x, times, states, omega_embedding).to(at::kFloat);
  }
  void count(std::int64_t evaluations) const {
    if (forwards) *forwards += evaluations;
  }
};

// eps or v with classifier-free guidance, both halves in one 2B batch.
Tensor guided(const Network& network, const Tensor& x, double time, const Conditioning& condition) {
  const auto batch = x.size(0);
  const Tensor states = at::cat({repeated(condition.negative, batch), repeated(condition.states, batch)});
  const auto halves = network(at::cat({x, x}), time, states, {}).chunk(2);
  network.count(2);
  return halves[0].add(halves[1].sub(halves[0]), 1 + condition.omega);
}

}  // namespace

Tensor x0_from(Prediction prediction, const Tensor& x, const Tensor& out, const NoiseLevel& level) {
  switch (prediction) {
    case Prediction::kEpsilon:
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

Denoiser make_denoiser(const Checkpoint& checkpoint, Conditioning conditioning, std::int64_t* forwards) {
  const CheckpointInfo& info = checkpoint.info;
  Tensor embedding;
  if (info.omega_embedding) {
    const Tensor omega = at::full({1}, conditioning.omega, at::TensorOptions(at::kFloat));
    embedding = embed_omega(omega, *checkpoint.unet.config.time_cond_proj_dim).to(checkpoint.unet.compute.device);
  }
  const bool classifier_free = !info.omega_embedding && conditioning.omega != 0;
  return [network = Network{checkpoint, forwards}, condition = std::move(conditioning), embedding, classifier_free,
          &info](const Tensor& x, const NoiseLevel& level) {
    Tensor out;
    if (classifier_free) {
      out = guided(network, x, level.time, condition);
    } else {
      const Tensor omega = embedding.defined() ? embedding.expand({x.size(0), embedding.size(1)}) : embedding;
      out = network(x, level.time, repeated(condition.states, x.size(0)), omega);
      network.count(1);
    }
    Tensor x0 = x0_from(info.prediction, x, out, level);
    if (info.kind != CheckpointKind::kConsistency) return x0;
    const Boundary boundary = boundary_at(level.time, info.timestep_scaling);
    return x.mul(boundary.c_skip).add(x0, boundary.c_out);
  };
}

}  // namespace fewstep
