#pragma once
#include "harness/run/run_context.h"
#include "process/progress.h"

#include <cstddef>
#include <functional>
#include <vector>

namespace fewstep {

// Runs work, and takes what it throws as the failure of a cell.
using AttemptCell = std::function<void(std::size_t cell, const std::function<void()>& work)>;

// Times the given cells of the plan in rounds (harness/run/timing.h). Checkpoints that fit into memory together stay
// loaded; else each is loaded in turn in every round, untimed. Stops between visits on an interrupt. Notes in the store
// what the machine did meanwhile.
void time_cells(RunContext& run, const std::vector<std::size_t>& cells, Progress& progress, const AttemptCell& attempt);

}  // namespace fewstep
