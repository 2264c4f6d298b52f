#pragma once
#include "harness/plan.h"
#include "harness/run_metrics.h"
#include "settings/cells.h"

#include <filesystem>
#include <iosfwd>

namespace fewstep {

// fewstep run --dry-run: a line for each cell and the sums (images, network evaluations, bytes, time) of what the store
// still lacks. The store is only read, and need not be there; time is known where cells are timed in this environment.
void print_dry_run(const Experiment& experiment, const Plan& plan, const RunMetrics& metrics,
                   const std::filesystem::path& store, const std::string& environment, std::ostream& out);

}  // namespace fewstep
