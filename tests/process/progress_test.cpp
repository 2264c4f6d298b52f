#include "process/progress.h"

#include "core/messages.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

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

TEST(Progress, SaysHowMuchAtWhichRateForHowLongAndWhat) {
  const ProgressState state{"images", 430, 1000, 12.34, 200, "cell 3/20  sampler=lcm steps=4"};
  EXPECT_EQ(progress_text(state, false),
            "images 430/1000  12.3 images/s  3 min 20 s left  cell 3/20  sampler=lcm steps=4");
  EXPECT_EQ(
      progress_text(state, true),
      "[████████············]  43 %  images 430/1000  12.3 images/s  3 min 20 s left  cell 3/20  sampler=lcm steps=4");
  EXPECT_EQ(progress_text({"steps", 7}, true), "steps 7") << "where the total is not known";
}

TEST(Progress, IsAnObjectALineOrNothingWhereThatIsAskedFor) {
  const auto last_line = [](MessageStyle style) {
    testing::internal::CaptureStderr();
    set_message_style(style);
    Progress progress(messages(), 2, 10);
    progress.begin_cell("steps=4");
    progress.add_images(10);
    progress.clear();
    set_message_style(MessageStyle::kLines);
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(last_line(MessageStyle::kQuiet), "");
  const auto json = nlohmann::json::parse(last_line(MessageStyle::kJson));
  EXPECT_EQ(json.at("event"), "progress");
  EXPECT_EQ(json.at("unit"), "images");
  EXPECT_EQ(json.at("done"), 10);
  EXPECT_EQ(json.at("total"), 10);
  EXPECT_EQ(json.at("doing"), "cell 1/2  steps=4");
  EXPECT_GT(json.at("images_per_second").get<double>(), 0);
}

TEST(DurationText, HasTwoUnits) {
  EXPECT_EQ(duration_text(12.4), "12 s");
  EXPECT_EQ(duration_text(200), "3 min 20 s");
  EXPECT_EQ(duration_text(3900), "1 h 05 min");
}

}  // namespace
}  // namespace fewstep
