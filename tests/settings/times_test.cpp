// Given times instead of a spacing's.
#include "experiment_files.h"
#include "warnings.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace fewstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class GivenTimes : public ExperimentFolder {
 protected:
  std::vector<std::string> labels(const std::string& text, const std::string& only = "") const {
    std::vector<std::string> labels;
    for (const Cell& cell : select(expand(read(text)), only)) labels.push_back(cell_label(cell.key));
    return labels;
  }
  static std::string times(const std::string& value) {
    return edited(kLeast, "steps = [4]", "steps = [4, 1]") + "times = " + value + "\n";
  }
  const std::string both = times("{ 4 = [999, 749, 499, 249], 1 = 399 }");
};

TEST_F(GivenTimes, AreThoseOfTheirStepCount) {
  EXPECT_THAT(labels(both), ElementsAre("checkpoint=a sampler=ddim steps=4 omega=7 spacing=times:999-749-499-249",
                                        "checkpoint=a sampler=ddim steps=1 omega=7 spacing=times:399"));
  EXPECT_THAT(labels(both, "spacing=times:399"),
              ElementsAre("checkpoint=a sampler=ddim steps=1 omega=7 spacing=times:399"));
}

TEST_F(GivenTimes, OfACheckpointReplaceTheGrids) {
  const std::string own = "samplers = [\"ddim\"]\ntimes = { 4 = [900, 600, 300, 0] }\n";
  EXPECT_THAT(labels(edited(kLeast, "samplers = [\"ddim\"]\n", own)),
              ElementsAre("checkpoint=a sampler=ddim steps=4 omega=7 spacing=times:900-600-300-0"));
  EXPECT_THAT(labels(edited(edited(both, "samplers = [\"ddim\"]\n", own), "steps = [4, 1]", "steps = [4]")),
              ElementsAre("checkpoint=a sampler=ddim steps=4 omega=7 spacing=times:900-600-300-0"));
}

TEST_F(GivenTimes, ArePartOfTheConfigurationWhereTheyAreGiven) {
  EXPECT_THAT(read(kLeast).canonical_json, Not(HasSubstr("times")));
  EXPECT_THAT(read(both).canonical_json, HasSubstr(R"("times":{"1":[399],"4":[999,749,499,249]})"));
}

TEST_F(GivenTimes, LackingForAStepCountAreAnErrorThatNamesIt) {
  EXPECT_FEWSTEP_ERROR(read(times("{ 4 = [999, 749, 499, 249] }")), ExitCode::kUsage,
                       ":12:9] checkpoint a: expected times for 1 step, found none; add them, or leave 1 out of steps");
}

TEST_F(GivenTimes, AreAsManyAsTheStepsAndFallFrom999) {
  const auto refuse = [&](const std::string& value, const std::string& message) {
    EXPECT_FEWSTEP_ERROR(read(times(value)), ExitCode::kUsage, message);
  };
  refuse("{ 4 = [999, 749, 499], 1 = 0 }", "expected 4 times, one for each step, got 3: 999, 749, 499");
  refuse("{ 4 = [999, 749, 750, 249], 1 = 0 }", "expected times that fall, got 750 after 749");
  refuse("{ 4 = [1000, 749, 499, 249], 1 = 0 }", "got 1000");
  refuse("{ 4 = [999, 749, 499, -1], 1 = 0 }", "got -1");
  refuse("{ 4 = [999.5, 749, 499, 249], 1 = 0 }", "got 999.5");
  refuse("{ four = [999, 749, 499, 249] }", "expected step counts as keys of times, got \"four\"");
  refuse("[999, 749, 499, 249]", "expected times of each step count, as { 4 = [999, 749, 499, 249], 1 = 399 }");
}

TEST_F(GivenTimes, StandAlone) {
  EXPECT_FEWSTEP_ERROR(read(both + "spacing = [\"trailing\"]\n"), ExitCode::kUsage,
                       "expected spacing or times, got both: times are all of a grid");
  EXPECT_FEWSTEP_ERROR(read(both + "original_inference_steps = [50]\n"), ExitCode::kUsage,
                       "expected original_inference_steps or times, got both");
}

// Merged LCM-LoRA weights whose scheduler_config.json is still the teacher's.
TEST_F(GivenTimes, LetLcmRunOnATeacherAndSaySo) {
  const std::string lcm = edited(both, "\"ddim\"", "\"lcm\"");
  const Warnings warnings;
  EXPECT_THAT(labels(lcm, "steps=1"), ElementsAre("checkpoint=a sampler=lcm steps=1 omega=7 spacing=times:399"));
  EXPECT_THAT(warnings.text(), HasSubstr("lcm runs at the given times on a checkpoint whose scheduler is "));
  EXPECT_FEWSTEP_ERROR(read(edited(kLeast, "\"ddim\"", "\"lcm\"")), ExitCode::kUsage, "expected a sampler that fits ");
  EXPECT_FEWSTEP_ERROR(read(edited(both, "\"ddim\"", "\"guided-distill\"")), ExitCode::kUsage,
                       "expected a sampler that fits ");
}

}  // namespace
}  // namespace fewstep
