#pragma once
#include "settings/requests.h"

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace fewstep {

// fewstep watch: scores the checkpoints that a running training drops into a folder.
struct WatchRequest : RunOptions {
  std::filesystem::path folder = {}, experiment = {};
  std::filesystem::path store = {};  // empty: results/NAME.sqlite
  std::string baseline = {};         // a checkpoint of the folder, or STORE#…; empty: the oldest one
  std::optional<std::filesystem::path> gate = {};
  std::optional<std::int64_t> until = {};  // checkpoints scored, then it ends
  double interval = 10;                    // seconds between two looks
};

// The experiment's first [[checkpoint]] stands for each of the folder: its name and path are replaced. Newest first,
// the baseline before all. Verdicts go to out, progress to messages. Returns 0, or 75 where a run was interrupted.
int run_watch(const WatchRequest& request, std::ostream& out, std::ostream& messages);

}  // namespace fewstep
