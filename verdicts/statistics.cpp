#include "verdicts/statistics.h"

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
