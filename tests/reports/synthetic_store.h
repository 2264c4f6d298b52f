#pragma once
#include "harness/store.h"

#include <filesystem>

namespace fewstep {

// A finished run with invented numbers: checkpoints "sd21-base" (ddim, dpm) and "lcm" at 1, 2, 4 and 8 steps, two
// metrics, timings; one cell failed with a hostile message, one is incomplete, one was never reached, one score is
// flagged, one is not a number. Dates and version are fixed.
Store synthetic_store(const std::filesystem::path& path);

}  // namespace fewstep
