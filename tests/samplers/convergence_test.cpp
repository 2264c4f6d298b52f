// Order of convergence on an ideal Gaussian denoiser, whose probability-flow ODE has a closed-form solution.
#include "samplers/registry.h"

#include <ATen/ops/linspace.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace fewstep {
namespace {

// Data N(kMean, kDeviation²) per element.
constexpr double kMean = 0.4, kDeviation = 0.7;

double deviation_at(const NoiseLevel& level) { return std::hypot(level.alpha * kDeviation, level.sigma); }

at::Tensor ideal_x0(const at::Tensor& x, const NoiseLevel& level) {
  const double gain = level.alpha * kDeviation * kDeviation / std::pow(deviation_at(level), 2);
  return x.sub(level.alpha * kMean).mul(gain).add(kMean);
}

// (x − α·mean) / deviation is constant along the ODE.
at::Tensor exact_solution(const at::Tensor& x, const NoiseLevel& from, const NoiseLevel& to) {
  return x.sub(from.alpha * kMean).mul(deviation_at(to) / deviation_at(from)).add(to.alpha * kMean);
}

NoiseLevel level_of(double half_log_snr) {
  return {0, 1 / std::sqrt(1 + std::exp(-2 * half_log_snr)), 1 / std::sqrt(1 + std::exp(2 * half_log_snr))};
}

// From the noise of t = 999 down to sigma 0.03, uniform in λ.
std::vector<NoiseLevel> uniform_in_lambda(int steps) {
  constexpr double kFirst = -2.68, kLast = 3.5;
  std::vector<NoiseLevel> levels;
  for (int i = 0; i <= steps; ++i) levels.push_back(level_of(kFirst + (kLast - kFirst) * i / steps));
  return levels;
}

double largest_error(const Sampler& sampler, int steps) {
  const auto levels = uniform_in_lambda(steps);
  const at::Tensor x = at::linspace(-2, 2, 32, at::kDouble).reshape({1, 4, 4, 2});
  Rng none;
  return sampler.run(ideal_x0, x, levels, none)
      .sub(exact_solution(x, levels.front(), levels.back()))
      .abs()
      .max()
      .item<double>();
}

// Least-squares slope of −log(error) against log(steps).
double convergence_order(std::string_view name) {
  const std::vector<int> counts{32, 64, 128, 256, 512};
  double sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (const int steps : counts) {
    const double x = std::log(steps), y = -std::log(largest_error(find_sampler(name), steps));
    sx += x, sy += y, sxx += x * x, sxy += x * y;
  }
  const double n = static_cast<double>(counts.size());
  const double slope = (n * sxy - sx * sy) / (n * sxx - sx * sx);
  std::printf("order of %s: %.3f\n", std::string(name).c_str(), slope);
  return slope;
}

TEST(ConvergenceOrder, IsOneForDdim) {
  for (const auto* name : {"ddim", "guided-distill"}) EXPECT_NEAR(convergence_order(name), 1.0, 0.1) << name;
}

TEST(ConvergenceOrder, IsTwoForTheDpmSolvers) {
  for (const auto* name : {"dpm", "dpm++"}) EXPECT_NEAR(convergence_order(name), 2.0, 0.1) << name;
}

// The exact consistency function of the Gaussian maps every point of a trajectory to its end, so one step is exact, and
// more steps keep the distribution.
TEST(Lcm, KeepsTheDistributionWithAnExactConsistencyFunction) {
  const Denoiser consistency = [](const at::Tensor& x, const NoiseLevel& level) {
    return exact_solution(x, level, NoiseLevel{});
  };
  const auto schedule = make_schedule("scaled_linear", 0.00085, 0.012, 1000);
  Rng rng = image_rng(std::vector<std::uint64_t>{11});
  const at::Tensor start = rng.normal({1, 4, 128, 128});
  for (const int steps : {1, 2, 4, 8}) {
    const auto levels = make_grid(schedule, {.steps = steps, .grid = {Spacing::kLcm}});
    const NoiseLevel& first = levels.front();
    const at::Tensor x = start.mul(deviation_at(first)).add(first.alpha * kMean);
    const at::Tensor end = find_sampler("lcm").run(consistency, x, levels, rng);
    EXPECT_NEAR(end.mean().item<double>(), kMean, 4 * kDeviation / 256) << steps;
    EXPECT_NEAR(end.std().item<double>(), kDeviation, 4 * kDeviation / 256 / std::sqrt(2)) << steps;
  }
}

}  // namespace
}  // namespace fewstep
