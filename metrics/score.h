#pragma once
#include "metrics/flags.h"

#include <cstdint>
#include <limits>
#include <vector>

namespace fewstep {

// One number of a table. standard_error is NaN where none can be given. A value that cannot be given is NaN with a flag
// that says why.
struct Score {
  double value = std::numeric_limits<double>::quiet_NaN();
  double standard_error = std::numeric_limits<double>::quiet_NaN();
  std::int64_t count = 0;  // images
  std::vector<Flag> flags;
};

// What each image adds to a score, from which differences of two cells get their standard error: N times the
// derivative by the image's weight, mean 0. With leave_group_out it is the deviation of the
// jackknife's pseudo-value of the image's group, and jackknife_groups are the independent units, else the prompts.
// Empty where a metric's rows say it.
struct Influence {
  std::vector<double> of_image;
  bool leave_group_out = false;
};

struct ScoreWithInfluence {
  Score score;
  Influence influence;
};

}  // namespace fewstep
