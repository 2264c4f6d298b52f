#pragma once
#include "harness/run/run_context.h"

#include <cstddef>

namespace fewstep {

// Goes through the cells of a run: images, metrics and scores cell by cell, then the times of all. A broken input fails
// its cell, and the others go on; what fails the device or the disk is noted and thrown. Returns how many cells failed.
std::size_t run_cells(RunContext& run);

}  // namespace fewstep
