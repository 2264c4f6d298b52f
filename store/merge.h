#pragma once
#include "store/store.h"

#include <cstdint>
#include <filesystem>

namespace fewstep {

struct MergeCount {
  std::int64_t samples = 0, metric_rows = 0, timings = 0;  // that were not there before
  std::int64_t present = 0;                                // samples of the source that were
};

struct MergeOptions {
  bool mixed = false;  // accept images of other machines: equal within rounding only
};

// Takes over what another store has: samples with their rows, features and kept images, timings, runs. One transaction:
// all of it or nothing; again changes nothing. Throws Error (kInput): where the stores' newest runs are of different
// settings; where samples were made by another fewstep, LibTorch or device, unless mixed; where both have an image for
// the same place and other bits; for damage of the source.
MergeCount merge_into(Store& store, const std::filesystem::path& source, const MergeOptions& options = {});

}  // namespace fewstep
