#include "metrics/clustered_error.h"

#include <cmath>
#include <limits>
#include <map>

namespace fewstep {

double clustered_standard_error(std::span<const double> deviations, std::span<const std::int64_t> groups) {
  std::map<std::int64_t, double> sums;  // ordered, so that the result does not depend on hashing
  for (std::size_t i = 0; i < deviations.size(); ++i) sums[groups[i]] += deviations[i];
  if (sums.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  double squares = 0;
  for (const auto& [group, sum] : sums) squares += sum * sum;
  const auto count = static_cast<double>(sums.size());
  return std::sqrt(count / (count - 1) * squares) / static_cast<double>(deviations.size());
}

}  // namespace fewstep
