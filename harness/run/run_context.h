#pragma once
#include "harness/generate/plan.h"
#include "harness/score/run_metrics.h"
#include "settings/requests.h"
#include "store/store.h"

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

namespace fewstep {

// What is still to be done for one cell.
struct CellWork {
  std::int64_t series = 0;
  std::vector<std::vector<ImageKey>> batches;
  std::vector<int> timings;  // batch sizes
  std::int64_t lacking = 0;  // images that are not there and not to be made
};

// A run under way, and what its steps share.
struct RunContext {
  const RunRequest& request;
  const Experiment& experiment;
  const Plan& plan;
  const Compute compute;
  RunMetrics& metrics;
  std::ostream& messages;
  const std::filesystem::path path;  // of the store
  Store store;
  std::int64_t environment = 0, id = 0;
  std::vector<CellWork> work;  // of each cell of the plan

  // results/NAME.images beside results/NAME.sqlite.
  std::filesystem::path beside_store(const char* extension) const {
    return std::filesystem::path(path).replace_extension(extension);
  }
  void set_cell(std::size_t i, CellState state, const std::string& message = "") {
    store.set_cell(id, work[i].series, static_cast<int>(i), state, plan.images_per_cell(), message);
  }
};

}  // namespace fewstep
