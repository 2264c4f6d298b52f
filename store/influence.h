#pragma once
#include "store/read.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fewstep {

// What each image adds to a score (metrics/score.h), kept as rows of sample_metric under a metric of its own:
// "NAME:influence" or "NAME:leave-group-out", whose model_hash is of the model and the reference. So the difference of
// two cells has a standard error without their features.

// Replaces what the series has for this metric and reference. prompt_rows: of each value, rising; images of a prompt in
// the order of their indices.
void replace_influence(Store& store, std::int64_t series_id, const MetricKey& metric, const std::string& reference_hash,
                       std::span<const std::int64_t> prompt_rows, const Influence& influence);

// What each independent unit adds to a cell's score, as a mean over the unit's images; the units' mean is 0.
struct UnitInfluence {
  bool groups = false;                // the units are jackknife_groups of the prompts, else the prompts
  std::vector<std::int64_t> prompts;  // rows of the caption source, rising
  std::vector<double> of_unit;
};
// Nothing where the store has no rows for exactly the images that the score counts.
std::optional<UnitInfluence> read_influence(Store& store, const StoredCell& cell, const StoredScore& score);

// a − b of two cells, and its standard error over units; nothing where the units differ or are fewer than two.
struct Difference {
  double value = 0, standard_error = 0;
};
std::optional<Difference> paired_difference(const StoredScore& a, const UnitInfluence& of_a, const StoredScore& b,
                                            const UnitInfluence& of_b);

}  // namespace fewstep
