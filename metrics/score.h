#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace fewstep {

// One number of a table. standard_error is NaN where none can be given; flags say what a reader must know
// ("rank-deficient" …).
struct Score {
  double value = std::numeric_limits<double>::quiet_NaN();
  double standard_error = std::numeric_limits<double>::quiet_NaN();
  std::int64_t count = 0;  // images
  std::vector<std::string> flags;
};

}  // namespace fewstep
