// The moments of a batch are a matrix product in float64, which LibTorch does on all cores.
#include "core/error.h"
#include "metrics/feature_statistics.h"
#include "metrics/float64.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace fewstep {
namespace {

constexpr std::int64_t kChunkRows = 4096;  // what is held in float64 at a time

// Index of the first value that is not finite, or the size.
std::size_t first_not_finite(std::span<const float> values) {
  return static_cast<std::size_t>(
      std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); }) - values.begin());
}

FeatureStatistics moments(const float* rows, std::int64_t count, std::int64_t width) {
  FeatureStatistics statistics{count, Eigen::VectorXd(width), Eigen::MatrixXd(width, width)};
  const Tensor x = to_float64(rows, count, width);
  const Tensor mean = x.mean(0);
  const Tensor centered = x.sub(mean);
  view(statistics.mean).copy_(mean);
  Tensor m2 = view(statistics.m2);
  at::mm_out(m2, centered.t(), centered);
  return statistics;
}

}  // namespace

void accumulate(FeatureStatistics& statistics, std::span<const float> rows, std::int64_t width) {
  if (width < 1 || rows.size() % static_cast<std::size_t>(width) != 0) {
    throw input_error("feature statistics",
                      fmt::format("expected rows of {} features, got {} values", width, rows.size()));
  }
  if (statistics.count > 0 && statistics.mean.size() != width) {
    throw input_error("feature statistics", fmt::format("expected {} features, got {}", statistics.mean.size(), width));
  }
  if (const std::size_t at = first_not_finite(rows); at < rows.size()) {
    throw input_error("feature statistics", fmt::format("expected finite features, got {} in row {}", rows[at],
                                                        at / static_cast<std::size_t>(width)));
  }
  const std::int64_t count = static_cast<std::int64_t>(rows.size()) / width;
  for (std::int64_t first = 0; first < count; first += kChunkRows)
    merge(statistics, moments(rows.data() + first * width, std::min(kChunkRows, count - first), width));
}

}  // namespace fewstep
