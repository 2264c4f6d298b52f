#pragma once
#include "settings/cells.h"
#include "store/read.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace fewstep {

// One side of a comparison: the cells of a run, or of one checkpoint in it.
struct Arm {
  std::string text;  // as the user named it
  std::shared_ptr<Store> store;
  StoredTable table;             // of the run; cells are those of the arm alone
  std::filesystem::path path;    // of the store
  std::int64_t environment = 0;  // of the newest run of this configuration, whose times count
  std::string environment_json;
};

// "STORE", "STORE#RUN" with the run's number, "STORE#CHECKPOINT" with its name in the newest run that has it; only: the
// clauses of --only over the cells. Throws Error: kInput for what is no store or has no run, kUsage for an unknown run
// or checkpoint, and where no cell is left.
Arm open_arm(const std::string& text, const std::string& only);

// A stored cell as an experiment has it; its checkpoint's folder is where the store saw it last.
Cell cell_of(const StoredCell& stored, const StoredTable& table);

// Which cells match the clauses of --only; all, where it is empty. Throws as select (settings/cells.h).
std::vector<bool> fits(const std::vector<StoredCell>& cells, const std::string& only);

// "lcm", or "ddim, dpm and 3 others": the checkpoints of an arm with their hashes, for people.
std::string checkpoints_text(const Arm& arm);

}  // namespace fewstep
