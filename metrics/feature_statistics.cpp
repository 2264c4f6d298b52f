#include "metrics/feature_statistics.h"

#include "core/error.h"

#include <fmt/format.h>

#include <string>

namespace fewstep {

void merge(FeatureStatistics& into, const FeatureStatistics& from) {
  if (from.count == 0) return;
  if (into.count == 0) {
    into = from;
    return;
  }
  if (into.mean.size() != from.mean.size()) {
    throw input_error("feature statistics", fmt::format("expected the same number of features, got {} and {}",
                                                        into.mean.size(), from.mean.size()));
  }
  const auto total = static_cast<double>(into.count + from.count);
  const Eigen::VectorXd delta = from.mean - into.mean;
  const double share = static_cast<double>(from.count) / total;
  into.m2 += from.m2;
  into.m2.noalias() += (static_cast<double>(into.count) * share) * delta * delta.transpose();
  into.mean += share * delta;
  into.count += from.count;
}

Gaussian fit(const FeatureStatistics& statistics) {
  if (statistics.count < 2) {
    throw input_error("feature statistics",
                      fmt::format("expected at least 2 images to fit a Gaussian, got {}", statistics.count));
  }
  return {statistics.count, statistics.mean, statistics.m2 / static_cast<double>(statistics.count - 1)};
}

}  // namespace fewstep
