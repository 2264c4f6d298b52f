#include "metrics/clustered_error.h"

#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

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

std::vector<double> means_of_units(std::span<const double> values, std::span<const std::int64_t> units) {
  std::map<std::int64_t, std::pair<double, double>> sums;  // of a unit: sum, count
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto& [sum, count] = sums[units[i]];
    sum += values[i];
    ++count;
  }
  std::vector<double> means;
  for (const auto& [unit, sum] : sums) means.push_back(sum.first / sum.second);
  return means;
}

double standard_error_of_mean(std::span<const double> deviations) {
  std::vector<std::int64_t> own(deviations.size());
  std::iota(own.begin(), own.end(), 0);
  return clustered_standard_error(deviations, own);
}

std::vector<std::int64_t> jackknife_groups(std::span<const std::int64_t> prompts) {
  constexpr std::int64_t kGroups = 25;
  std::map<std::int64_t, std::int64_t> ranks;
  for (const std::int64_t prompt : prompts) ranks[prompt] = 0;
  // Groups of one and of two prompts side by side would weigh twice what they should.
  const auto count = static_cast<std::int64_t>(ranks.size()), number = count < 2 * kGroups ? count : kGroups;
  std::int64_t rank = 0;
  for (auto& [prompt, group] : ranks) group = rank++ % number;
  std::vector<std::int64_t> groups;
  for (const std::int64_t prompt : prompts) groups.push_back(ranks.at(prompt));
  return groups;
}

}  // namespace fewstep
