#pragma once
#include "distill/trainer.h"
#include "settings/recipe.h"

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <string>

namespace fewstep {

// A line of loss, images a second and time left: written over on a terminal (out is std::cerr), elsewhere every ten
// seconds, and at the end of each phase.
class TrainingProgress {
 public:
  TrainingProgress(std::ostream& out, const Recipe& recipe);

  void encoded(std::int64_t done, std::int64_t all);
  void begin(const std::string& phase, std::int64_t steps);  // steps that are left
  void report(const LossPoint& point, std::int64_t images);
  void clear();

 private:
  void show(const std::string& line, bool always);

  using Clock = std::chrono::steady_clock;
  std::ostream& out_;
  const bool terminal_;
  const Recipe& recipe_;
  std::int64_t images_ = 0, left_ = 0, steps_ = 0;
  Clock::time_point start_ = Clock::now(), shown_ = start_;
  bool line_open_ = false;
};

// What a recipe will do, for --dry-run.
std::string dry_run_text(const Recipe& recipe);

}  // namespace fewstep
