#pragma once
#include "core/denoiser.h"
#include "golden.h"
#include "tensor_difference.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/tensor.h>

#include <string>
#include <vector>

namespace fewstep {

enum class Predicts { kEps, kV };

// The closed-form network of tests/references/samplers.py, operation by operation.
inline at::Tensor closed_form_network(const at::Tensor& x, double time, double bias) {
  return x.mul(0.6).add(0.001 * time + bias).tanh().add(x, 0.1);
}

inline at::Tensor closed_form_x0(Predicts predicts, const at::Tensor& x, const NoiseLevel& level, double bias) {
  const at::Tensor out = closed_form_network(x, level.time, bias);
  if (predicts == Predicts::kV) return x.mul(level.alpha).sub(out, level.sigma);
  return x.sub(out, level.sigma).div(level.alpha);
}

inline Denoiser closed_form_denoiser(Predicts predicts, double bias) {
  return [=](const at::Tensor& x, const NoiseLevel& level) { return closed_form_x0(predicts, x, level, bias); };
}

// A consistency function around the same network: c_skip·x + c_out·x0 with sigma_data 0.5 and timestep scaling 10.
inline Denoiser closed_form_consistency(Predicts predicts, double bias) {
  return [=](const at::Tensor& x, const NoiseLevel& level) {
    const double tau = 10 * level.time, square = tau * tau + 0.25;
    return x.mul(0.25 / square).add(closed_form_x0(predicts, x, level, bias), tau / std::sqrt(square));
  };
}

inline at::Tensor tensor_of(const nlohmann::json& numbers, const std::vector<std::int64_t>& shape) {
  return at::tensor(numbers.get<std::vector<float>>()).reshape(shape);
}

inline const Schedule& stable_diffusion() {
  static const Schedule schedule = make_schedule("scaled_linear", 0.00085, 0.012, 1000);
  return schedule;
}

}  // namespace fewstep
