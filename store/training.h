#pragma once
#include "formats/loss_curve.h"
#include "store/store.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fewstep {

// How fewstep distill made a checkpoint.
struct TrainingRecord {
  std::string checkpoint_sha256;
  std::string recipe, parents;  // JSON
  LossCurve losses;
  bool operator==(const TrainingRecord&) const = default;
};

// Adds the record of a checkpoint that the store has; a record that is there already is kept.
void add_training(Store& store, const TrainingRecord& record);
// Returns the records in the order in which their checkpoints came; a store of version 1 has none.
std::vector<TrainingRecord> read_trainings(Store& store);

// What fewstep.json in a checkpoint's folder says, or nothing where there is none. Throws Error (kInput) for a broken
// one.
std::optional<TrainingRecord> read_training_record(const std::filesystem::path& checkpoint_folder,
                                                   const std::string& checkpoint_sha256);

}  // namespace fewstep
