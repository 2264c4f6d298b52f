#pragma once
#include "store/store.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fewstep {

struct TrainingLoss {
  std::string phase;
  std::int64_t step = 0;  // of the phase
  double loss = 0, gradient_norm = 0, learning_rate = 0;
  bool operator==(const TrainingLoss&) const = default;
};

// How fewstep distill made a checkpoint.
struct TrainingRecord {
  std::string checkpoint_sha256;
  std::string recipe, parents;  // JSON
  std::vector<TrainingLoss> losses;
  bool operator==(const TrainingRecord&) const = default;
};

// Of a checkpoint that the store has; what is there already is kept.
void add_training(Store& store, const TrainingRecord& record);
// Of all checkpoints, in the order in which they came; none in a store of version 1.
std::vector<TrainingRecord> read_trainings(Store& store);

// What fewstep.json in a checkpoint's folder says, or nothing where there is none. Throws Error (kInput) for a broken
// one.
std::optional<TrainingRecord> read_training_record(const std::filesystem::path& checkpoint_folder,
                                                   const std::string& checkpoint_sha256);

}  // namespace fewstep
