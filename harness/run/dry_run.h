#pragma once
#include "harness/run/work_estimate.h"

#include <iosfwd>
#include <string>

namespace fewstep {

// fewstep run --dry-run: a line for each cell and the sums (images, network evaluations and how many are computed where
// cells share, bytes, time) of what the store (null: there is none) still lacks; time is known where cells are timed in
// this environment. Returns the bytes. Without out it only counts.
double print_dry_run(const Experiment& experiment, const Plan& plan, const RunMetrics& metrics, Store* store,
                     const std::string& environment, bool share, std::ostream* out);

// fewstep run --dry-run --calibrate: makes and measures two batches of every checkpoint, and prints how long the run
// would take, its timing included, and how much memory it took.
void print_calibration(const RunRequest& request, const Experiment& experiment, const Plan& plan,
                       const Compute& compute, Store* store, std::ostream& out, std::ostream& messages);

}  // namespace fewstep
