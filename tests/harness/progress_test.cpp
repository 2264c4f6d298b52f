#include "harness/progress.h"

#include <gtest/gtest.h>

#include <sstream>

namespace fewstep {
namespace {

TEST(Progress, IsSilentBeforeTenSecondsWhereThereIsNoTerminal) {
  std::ostringstream out;
  Progress progress(out, 2, 100);
  progress.begin_cell("sampler=lcm steps=4");
  for (int i = 0; i < 50; ++i) progress.add_images(2);
  progress.clear();
  EXPECT_EQ(out.str(), "");
}

TEST(DurationText, HasTwoUnits) {
  EXPECT_EQ(duration_text(12.4), "12 s");
  EXPECT_EQ(duration_text(200), "3 min 20 s");
  EXPECT_EQ(duration_text(3900), "1 h 05 min");
}

}  // namespace
}  // namespace fewstep
