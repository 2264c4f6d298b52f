#pragma once
#include <Eigen/Core>

#include <cstdint>
#include <span>

namespace fewstep {

// Mergeable moments of feature rows in float64: m2 is the sum of (x−mean)(x−mean)ᵀ.
struct FeatureStatistics {
  std::int64_t count = 0;
  Eigen::VectorXd mean;
  Eigen::MatrixXd m2;
};

// Adds rows [N,D] (row-major float32). Throws Error (kInput) on a width mismatch or a non-finite value, and then
// leaves statistics as they were. The only one of these that needs LibTorch (fewstep::metrics).
void accumulate(FeatureStatistics& statistics, std::span<const float> rows, std::int64_t width);
// Chan 1979; merge in a fixed order for results that do not depend on sharding. Throws Error (kInput) on a mismatch.
void merge(FeatureStatistics& into, const FeatureStatistics& from);

// A fitted Gaussian, covariance with ddof = 1. count = 0 where a statistics file does not say it.
struct Gaussian {
  std::int64_t count = 0;
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
};
Gaussian fit(const FeatureStatistics& statistics);  // throws Error (kInput) for count < 2

}  // namespace fewstep
