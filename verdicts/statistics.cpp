#include "verdicts/statistics.h"

#include <unsupported/Eigen/SpecialFunctions>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fewstep {
namespace {

struct Moments {
  double mean = 0, variance_of_mean = 0, df = 1;
};

Moments moments_of(std::span<const double> values) {
  const auto count = static_cast<double>(values.size());
  Moments moments{std::accumulate(values.begin(), values.end(), 0.0) / count, 0, count - 1};
  for (const double value : values) moments.variance_of_mean += (value - moments.mean) * (value - moments.mean);
  moments.variance_of_mean /= (count - 1) * count;
  return moments;
}

}  // namespace

double student_tail(double t, double df) {
  if (std::isinf(t)) return t > 0 ? 0 : 1;
  const double beyond = 0.5 * Eigen::numext::betainc(df / 2, 0.5, df / (df + t * t));
  return t >= 0 ? beyond : 1 - beyond;
}

double student_quantile(double tail, double df) {
  if (tail > 0.5) return -student_quantile(1 - tail, df);
  double low = 0, high = 1;
  while (student_tail(high, df) > tail && high < 1e300) high *= 2;
  for (int i = 0; i < 200 && high - low > 1e-14 * high; ++i) {
    const double middle = low + (high - low) / 2;
    (student_tail(middle, df) > tail ? low : high) = middle;
  }
  return high;
}

std::vector<bool> holm(std::span<const double> p_values, double alpha) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto p = [&](std::size_t i) { return std::isnan(p_values[i]) ? 1 : p_values[i]; };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p(a) < p(b); });
  std::vector<bool> rejected(p_values.size());
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    if (!(p(order[rank]) <= alpha / static_cast<double>(order.size() - rank))) break;
    rejected[order[rank]] = true;
  }
  return rejected;
}

WelchDifference welch(std::span<const double> a, std::span<const double> b) {
  const Moments first = moments_of(a), second = moments_of(b);
  const double variance = first.variance_of_mean + second.variance_of_mean;
  WelchDifference difference{second.mean - first.mean, std::sqrt(variance), first.df + second.df};
  if (variance > 0) {
    difference.df = variance * variance /
                    (first.variance_of_mean * first.variance_of_mean / first.df +
                     second.variance_of_mean * second.variance_of_mean / second.df);
  }
  return difference;
}

}  // namespace fewstep
