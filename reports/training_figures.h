#pragma once
#include "reports/figure.h"
#include "store/read.h"
#include "store/training.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace fewstep {

// A checkpoint that was kept on the way of its training, as its folder OUTPUT-at-STEP says.
struct KeptAt {
  std::string training;  // the checkpoint's name without its "-STEP"
  std::int64_t iterations = 0;
};
std::optional<KeptAt> kept_at(const StoredCheckpoint& checkpoint);

// Loss against the steps of each phase, means over at most 100 windows; a training that left several checkpoints once.
// Returns nothing where no checkpoint says how it was trained.
std::optional<Figure> loss_figure(const std::vector<TrainingRecord>& trainings,
                                  const std::vector<StoredCheckpoint>& checkpoints);

}  // namespace fewstep
