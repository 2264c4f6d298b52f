#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace fewstep {

// The standard error of a mean whose terms within a group are not independent: of deviations with a mean of 0, one a
// term, sqrt(G/(G−1) Σ_g (Σ_{i∈g} deviation_i)²) / N. NaN with fewer than two groups.
double clustered_standard_error(std::span<const double> deviations, std::span<const std::int64_t> groups);

// The mean of the values of each unit, in the order of the units' numbers; units[i] is that of value i.
std::vector<double> means_of_units(std::span<const double> values, std::span<const std::int64_t> units);
// The standard error of a mean of independent values whose own mean is 0: clustered_standard_error, each its own group.
double standard_error_of_mean(std::span<const double> deviations);

// The groups of a delete-a-group jackknife over prompts: of each row the number of its group, 0…G−1 with G = 25 or, of
// fewer than 50 prompts, one a prompt. Prompts are dealt out in the order of their numbers, so that two cells of the
// same prompts have the same groups.
std::vector<std::int64_t> jackknife_groups(std::span<const std::int64_t> prompts);

}  // namespace fewstep
