#include "samplers/steps.h"

namespace fewstep {

at::Tensor first_order_step(const at::Tensor& x, const at::Tensor& x0, const NoiseLevel& from, const NoiseLevel& to) {
  if (to.sigma == 0) return x0.mul(to.alpha);
  const double ratio = to.sigma / from.sigma;
  return x.mul(ratio).add(x0, to.alpha - from.alpha * ratio);
}

at::Tensor midpoint_step(const at::Tensor& x, const at::Tensor& x0, const at::Tensor& x0_before,
                         const NoiseLevel& before, const NoiseLevel& from, const NoiseLevel& to) {
  const double h = lambda(to) - lambda(from), h_before = lambda(from) - lambda(before);
  const at::Tensor extrapolated = x0.add(x0.sub(x0_before), 0.5 * h / h_before);
  return first_order_step(x, extrapolated, from, to);
}

bool is_first_order(std::size_t i, std::size_t n, const NoiseLevel& to) {
  constexpr std::size_t kShortRun = 15;
  return i == 0 || to.sigma == 0 || (i + 1 == n && n < kShortRun);
}

}  // namespace fewstep
