#pragma once
#include "store/training.h"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <vector>

namespace fewstep {

// What fewstep.json says a checkpoint was trained for. Every part is absent where the file does not say it, or says
// something else than fewstep distill writes.
struct TrainedFor {
  std::string method, teacher;                  // "lcd", the parent's name
  std::optional<double> omega_low, omega_high;  // the range of ω
  std::optional<int> skip_step, steps;          // k; of a Guided-Distill student its number of steps
  std::optional<std::int64_t> iterations;       // done, of the last phase
  std::optional<double> last_loss;
};
TrainedFor trained_for(const TrainingRecord& record);
// The same of a checkpoint's folder; nothing is set where it has no fewstep.json.
TrainedFor trained_for(const std::filesystem::path& checkpoint);

// Warnings for a cell that asks of a student what it was not trained for: "ω 8 is outside 0 to 3 …".
std::vector<std::string> outside_training(const TrainedFor& training, const CellKey& series);

// The same as a description for `fewstep inspect`.
nlohmann::ordered_json training_json(const TrainedFor& training);

}  // namespace fewstep
