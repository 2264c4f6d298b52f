#pragma once
#include "settings/cells.h"
#include "store/read.h"
#include "store/training.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace fewstep {

// A side of a comparison or a report: the cells of a run, or of one checkpoint in it.
struct Arm {
  std::string text;  // as the user named it
  std::string name;  // what tells it from other arms (side_by_side); empty where it is alone
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

// Which store has a cell.
using StoreOf = std::function<Store&(const StoredCell&)>;
StoreOf store_of(std::span<const Arm> arms);
StoreOf store_of(Store& store);  // the only one

// A store that is open already, as the only arm.
Arm arm_of(Store& store, StoredTable table);

// The cells of all as one table, each with its arm; the rest is the first arm's. Arms get the names of their stores,
// where those tell them apart, else what the user named.
StoredTable side_by_side(std::span<Arm> arms);

// "pocket: run 1, complete", each arm's.
std::string title_of(std::span<const Arm> arms);
// How fewstep distill made the checkpoints of all.
std::vector<TrainingRecord> trainings_of(std::span<const Arm> arms);

// "lcm", or "ddim, dpm and 3 others": the checkpoints of an arm with their hashes, for people.
std::string checkpoints_text(const Arm& arm);

}  // namespace fewstep
