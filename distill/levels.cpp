#include "distill/levels.h"

#include "core/error.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/tensor.h>

#include <fmt/format.h>

#include <algorithm>

namespace fewstep {

Levels stacked(std::span<const NoiseLevel> levels, at::Device device) {
  std::vector<double> time, alpha, sigma;
  for (const NoiseLevel& level : levels) {
    time.push_back(level.time);
    alpha.push_back(level.alpha);
    sigma.push_back(level.sigma);
  }
  const auto batch = static_cast<std::int64_t>(levels.size());
  const auto to_tensor = [&](const std::vector<double>& values) {
    return at::tensor(values, at::kDouble).to(device, at::kFloat);
  };
  return {to_tensor(time), to_tensor(alpha).view({batch, 1, 1, 1}), to_tensor(sigma).view({batch, 1, 1, 1})};
}

Levels levels_at(const Schedule& schedule, std::span<const std::int64_t> times, at::Device device) {
  std::vector<NoiseLevel> levels;
  for (const auto time : times) levels.push_back(level_at(schedule, static_cast<double>(time)));
  return stacked(levels, device);
}

Tensor noised(const Tensor& x0, const Tensor& eps, const Levels& levels) {
  return levels.alpha * x0 + levels.sigma * eps;
}

NoiseLevel level_at_lambda(const Schedule& schedule, double wanted) {
  double low = 0, high = static_cast<double>(schedule.alpha_bar.size()) - 1;  // λ falls with time
  if (!(wanted <= lambda(level_at(schedule, low)) && wanted >= lambda(with_finite_lambda(level_at(schedule, high))))) {
    throw usage_error("lambda", fmt::format("expected a value of the noise schedule, got {}", wanted));
  }
  constexpr int kBits = 60;
  for (int i = 0; i < kBits; ++i) {
    const double middle = (low + high) / 2;
    (lambda(level_at(schedule, middle)) > wanted ? low : high) = middle;
  }
  return level_at(schedule, (low + high) / 2);
}

}  // namespace fewstep
