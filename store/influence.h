#pragma once
#include "store/read.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fewstep {

// What each independent unit adds to a cell's score (metrics/score.h), as a mean over the unit's images; the units'
// mean is 0. Kept with the score, so that the difference of two cells has a standard error without their features.
struct UnitInfluence {
  bool groups = false;         // the units are jackknife_groups of the prompts, else the prompts
  std::string prompts_sha256;  // of the prompts they are of (CellDigest)
  std::vector<double> of_unit;
};

// Keeps it with the score that the run has of the series, metric and reference. prompt_rows: of each value, rising.
void set_influence(Store& store, std::int64_t run_id, std::int64_t series_id, std::int64_t metric_id,
                   const std::string& reference_hash, std::span<const std::int64_t> prompt_rows,
                   const Influence& influence);

// Nothing where the store has none for exactly the images that the score counts. Stores of version 3 have a row of
// sample_metric an image instead, of metrics "NAME:influence" and "NAME:leave-group-out"; of metrics with one number an
// image these numbers say it.
std::optional<UnitInfluence> read_influence(Store& store, const StoredCell& cell, const StoredScore& score);

// The hash over a cell's prompts; where its digest does not have it, made from its images.
std::string prompts_hash(Store& store, const StoredCell& cell);

// a − b of two cells, and its standard error over units; nothing where the units differ or are fewer than two.
struct Difference {
  double value = 0, standard_error = 0;
  std::int64_t units = 0;  // that were paired; 0: none
};
std::optional<Difference> paired_difference(const StoredScore& a, const UnitInfluence& of_a, const StoredScore& b,
                                            const UnitInfluence& of_b);

}  // namespace fewstep
