// Where a checkpoint's grid of original steps comes from, and which checkpoints need to be there.
#include "core/files.h"
#include "experiment_files.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace fewstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Two LCMs of their own beside the teacher of kLeast: one says 10 original steps, the other nothing.
class OwnGrid : public ExperimentFolder {
 protected:
  OwnGrid() {
    for (const auto& [name, steps] : {std::pair("ten", 10), std::pair("silent", 0)}) {
      std::filesystem::copy(golden_checkpoint("lcm"), at(name), std::filesystem::copy_options::recursive);
      const auto file = at(name) / "scheduler" / "scheduler_config.json";
      auto config = nlohmann::json::parse(read_file(file));
      config.erase("original_inference_steps");
      if (steps > 0) config["original_inference_steps"] = steps;
      write_file_atomically(file, config.dump());
    }
  }
  std::string with(const std::string& more_of_ten = "", const std::string& grid = "") const {
    return edited(kLeast, "[grid]\n",
                  "[[checkpoint]]\nname = \"ten\"\npath = \"ten\"\nsamplers = [\"lcm\"]\n" + more_of_ten +
                      "[[checkpoint]]\nname = \"silent\"\npath = \"silent\"\nsamplers = [\"lcm\"]\n[grid]\n" + grid);
  }
  std::vector<int> originals(const std::string& text) const {
    std::vector<int> found;
    for (const Cell& cell : expand(read(text))) found.push_back(cell.key.original_inference_steps);
    return found;
  }
};

TEST_F(OwnGrid, IsTheCheckpointsUnlessTheExperimentGivesOne) {
  EXPECT_THAT(originals(with()), ElementsAre(0, 10, 50));
  EXPECT_THAT(originals(with("", "original_inference_steps = [20]\n")), ElementsAre(0, 20, 20));
  EXPECT_THAT(originals(with("original_inference_steps = [25]\n")), ElementsAre(0, 25, 50));
}

TEST_F(OwnGrid, LimitsTheSteps) {
  EXPECT_FEWSTEP_ERROR(read(edited(with(), "steps = [4]", "steps = [12]")), ExitCode::kUsage,
                       "expected at most original_inference_steps = 10, got 12");
}

TEST_F(OwnGrid, IsNoPartOfTheConfiguration) {
  const std::string before = read(with()).canonical_json;
  std::filesystem::remove_all(at("ten"));
  std::filesystem::copy(at("silent"), at("ten"), std::filesystem::copy_options::recursive);
  EXPECT_EQ(read(with()).canonical_json, before);  // the checkpoint's hash tells the two apart
}

TEST_F(OwnGrid, OfACheckpointThatIsNotThereIsNotAskedFor) {
  std::filesystem::remove_all(at("ten"));
  EXPECT_FEWSTEP_ERROR(read(with()), ExitCode::kInput,
                       "expected a folder, found nothing at " + at("ten").string() +
                           "; put it there, train it with fewstep distill, or leave it out with --only");
  EXPECT_FEWSTEP_ERROR(read_experiment(file(), {}, "checkpoint=ten"), ExitCode::kInput, "expected a folder");
  const Experiment rest = read_experiment(file(), {}, "checkpoint=a,silent");
  EXPECT_EQ(select(expand(rest), "checkpoint=a,silent").size(), 2U);
}

// A folder that is broken is as little of a hindrance, as long as none of its cells is asked for.
TEST_F(OwnGrid, OfABrokenCheckpointIsNotAskedFor) {
  std::filesystem::remove(at("ten") / "model_index.json");
  EXPECT_FEWSTEP_ERROR(read(with()), ExitCode::kInput, "model_index.json");
  EXPECT_EQ(select(expand(read_experiment(file(), {}, "sampler=ddim")), "sampler=ddim").size(), 1U);
}

TEST_F(OwnGrid, OfOneStudentForEachStepCountLeavesOutThoseThatAreNotAskedFor) {
  const std::string text = edited(edited(kLeast, "path = \"sd15\"\nsamplers = [\"ddim\"]",
                                         "path = { 1 = \"gd-1\", 2 = \"none\" }\nsamplers = [\"guided-distill\"]"),
                                  "steps = [4]", "steps = [1, 2]");
  EXPECT_FEWSTEP_ERROR(read(text), ExitCode::kInput, "found nothing at " + at("none").string());
  EXPECT_EQ(select(expand(read_experiment(file(), {}, "steps=1")), "steps=1").size(), 1U);
}

}  // namespace
}  // namespace fewstep
