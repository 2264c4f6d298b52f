#pragma once
#include "harness/plan.h"
#include "harness/run_metrics.h"
#include "settings/cells.h"

#include <filesystem>
#include <iosfwd>

namespace fewstep {

// Network evaluations of one image.
std::int64_t forwards_of(const PlannedCell& planned);

// Images of a cell that the store (null: there is none) lacks.
std::int64_t images_to_make(const PlannedCell& planned, const Plan& plan, const RunMetrics& metrics, Store* store);

// fewstep run --dry-run: a line for each cell and the sums (images, network evaluations, bytes, time) of what the store
// still lacks; time is known where cells are timed in this environment. Returns the bytes. Without
// out it only counts.
double print_dry_run(const Experiment& experiment, const Plan& plan, const RunMetrics& metrics, Store* store,
                     const std::string& environment, std::ostream* out);

// fewstep run --dry-run --calibrate: makes and measures two images of every checkpoint, and prints how long the run
// would take, the metrics included, and how much memory it took.
void print_calibration(const Experiment& experiment, const Plan& plan, const Compute& compute, Store* store,
                       std::ostream& out, std::ostream& messages);

}  // namespace fewstep
