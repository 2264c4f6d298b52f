#pragma once
#include <cstdint>
#include <span>

namespace fewstep {

// The standard error of a mean whose terms within a group are not independent: of deviations with a mean of 0, one a
// term, sqrt(G/(G−1) Σ_g (Σ_{i∈g} deviation_i)²) / N. NaN with fewer than two groups.
double clustered_standard_error(std::span<const double> deviations, std::span<const std::int64_t> groups);

}  // namespace fewstep
