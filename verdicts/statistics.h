#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace fewstep {

// Which hypotheses Holm's step-down procedure rejects at the family-wise level alpha. Source: Holm 1979.
std::vector<bool> holm(std::span<const double> p_values, double alpha);

// The difference mean(b) − mean(a) of independent values with unequal variances; at least two each. Source: Welch 1947.
struct WelchDifference {
  double value = 0, standard_error = 0, df = 1;
};
WelchDifference welch(std::span<const double> a, std::span<const double> b);

}  // namespace fewstep
