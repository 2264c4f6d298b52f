#pragma once
#include "distill/trainer.h"
#include "process/progress.h"
#include "settings/recipe.h"

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>

namespace fewstep {

// A line of loss, images a second and time left, shown at the end of each phase in any case.
class TrainingProgress {
 public:
  TrainingProgress(std::ostream& out, const Recipe& recipe);

  void encoded(std::int64_t done, std::int64_t all);
  void begin(const std::string& phase, std::int64_t steps);  // steps that are left
  void report(const LossPoint& point, std::int64_t images);
  void clear() { line_.clear(); }

 private:
  ProgressLine line_;
  std::ostream& out_;
  const Recipe& recipe_;
  std::int64_t images_ = 0, left_ = 0, steps_ = 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// What a recipe will do, for --dry-run.
std::string dry_run_text(const Recipe& recipe);

}  // namespace fewstep
