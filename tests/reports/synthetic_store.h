#pragma once
#include "store/store.h"

#include <filesystem>
#include <string>
#include <vector>

namespace fewstep {

// A finished run with invented numbers: checkpoints "sd21-base" (ddim, dpm) and "lcm" at 1, 2, 4 and 8 steps, two
// metrics, timings; one cell failed with a hostile message, one is incomplete, one was never reached, one score is
// flagged, one is not a number. Dates and version are fixed.
struct SyntheticStore {
  int images = 12;                    // of each cell, one a prompt
  std::vector<std::string> captions;  // of the first prompts; the others are "caption 5"
  std::vector<double> omegas = {7};   // each is the same table again, a little better
  int kept_images = 0;                // of each cell: 64 × 64, beside the store
  double fid_error = 1.25;            // of a cell at one step
  int lost_prompts = 0;               // the first ones, on which the student is worse by 20 and more
  bool scored_prompts = false;        // every sample has a CLIP score of its own
};
Store synthetic_store(const std::filesystem::path& path, const SyntheticStore& wanted = {});

}  // namespace fewstep
