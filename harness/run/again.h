#pragma once
#include "settings/requests.h"
#include "store/read.h"

#include <filesystem>
#include <iosfwd>
#include <string>

namespace fewstep {

// Runs of stores done again, for a comparison that wants more than they hold.

// The run of a store whose cells match `only` (empty: all that it had).
struct RunAgain {
  std::filesystem::path store;
  const StoredTable& table;
  std::string only;
};

// Times the cells of both in processes of their own, so many of each, in turn (A B B A …). Returns false where it was
// interrupted. Throws Error where a run cannot be repeated (request_of), or one of its processes fails.
bool retime(const RunAgain& a, const RunAgain& b, int processes, std::ostream& messages);

// The same cells from other noise (the seed after the run's) in a store of their own, NAME.noise-floor.sqlite beside
// the run's; goes on where it was stopped. Returns its path; empty where it was interrupted.
std::filesystem::path run_under_another_seed(const RunAgain& run, std::ostream& messages);

}  // namespace fewstep
