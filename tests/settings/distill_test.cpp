// [[distill]]: what an experiment trains before it evaluates.
#include "core/files.h"
#include "experiment_files.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

const std::string kRecipe = R"(name = "lcd"
method = "lcd"
seed = 1
output = "elsewhere"
[lcd]
teacher = "sd15"
omega = [2.0, 14.0]
[data]
builtin = "shapes"
count = 100
[train]
steps = 1000
batch = 4
learning_rate = 1e-4
)";

const std::string kDistill = R"([[distill]]
name = "lcm-k"
recipe = "lcd.toml"
skip_step = [5, 20]
evaluate_at = [500, 1000]
[grid]
)";

class ADistillTable : public ExperimentFolder {
 protected:
  ADistillTable() { folder_.write("lcd.toml", kRecipe); }
  std::string with(const std::string& table) const { return edited(kLeast, "[grid]\n", table); }
  void expect_refused(const std::string& table, const std::string& message, ExitCode code = ExitCode::kUsage) const {
    EXPECT_FEWSTEP_ERROR(read(with(table)), code, message);
  }
};

TEST_F(ADistillTable, MakesARowForEverySkipStepAndIterationCount) {
  const Experiment e = read(with(kDistill));
  ASSERT_EQ(e.checkpoints.size(), 5U);
  EXPECT_EQ(e.checkpoints[1].name, "lcm-k5-500");
  EXPECT_EQ(e.checkpoints[4].name, "lcm-k20-1000");
  EXPECT_EQ(e.checkpoints[1].samplers, std::vector<std::string>{"lcm"});
  EXPECT_EQ(e.checkpoints[1].original_inference_steps, (std::vector<int>{200}));
  EXPECT_EQ(e.checkpoints[4].original_inference_steps, (std::vector<int>{50}));
  ASSERT_EQ(e.training.size(), 2U);
  EXPECT_EQ(e.training[0].consistency.skip_step, 5);
  EXPECT_EQ(e.training[0].train.keep_at, (std::vector<std::int64_t>{500, 1000}));
  EXPECT_THAT(e.training[0].output.string(), testing::EndsWith("results/least.trained/lcm-k5"));
  EXPECT_THAT(e.checkpoints[1].path.string(), testing::EndsWith("results/least.trained/lcm-k5-at-500"));
  EXPECT_EQ(expand(e).size(), 1U + 2 + 2);
}

TEST_F(ADistillTable, IsSampledOnItsOwnGridAndOnThoseThatTheGridGives) {
  const Experiment e =
      read(edited(with(kDistill), "omega = [7]\n", "omega = [7]\noriginal_inference_steps = [50, 100]\n"));
  EXPECT_EQ(e.checkpoints[1].original_inference_steps, (std::vector<int>{50, 100, 200}));
  EXPECT_EQ(e.checkpoints[4].original_inference_steps, (std::vector<int>{50, 100}));
  EXPECT_EQ(expand(e).size(), 1U + 2 * 3 + 2 * 2);
  // The recipe's own k, where none is listed here.
  const Experiment own =
      read(with("[[distill]]\nname = \"lcm\"\nrecipe = \"lcd.toml\"\nset = [\"lcd.skip_step=10\"]\n[grid]\n"));
  EXPECT_EQ(expand(own).back().key.original_inference_steps, 100);
}

// Where the students go is the experiment's to say.
TEST_F(ADistillTable, TakesARecipeWithoutAnOutput) {
  folder_.write("lcd.toml", edited(kRecipe, "output = \"elsewhere\"\n", ""));
  EXPECT_THAT(read(with(kDistill)).training[1].output.string(), testing::EndsWith("results/least.trained/lcm-k20"));
}

TEST_F(ADistillTable, WithoutListsIsOneRow) {
  const Experiment e = read(with("[[distill]]\nname = \"lcm\"\nrecipe = \"lcd.toml\"\nset = [\"seed=7\"]\n[grid]\n"));
  ASSERT_EQ(e.checkpoints.size(), 2U);
  EXPECT_EQ(e.checkpoints[1].name, "lcm");
  EXPECT_EQ(e.training.at(0).seed, 7U);
  EXPECT_THAT(e.checkpoints[1].path.string(), testing::EndsWith("results/least.trained/lcm"));
}

TEST_F(ADistillTable, NeedsNoCheckpointBesideIt) {
  const std::string alone =
      edited(with(kDistill), "[[checkpoint]]\nname = \"a\"\npath = \"sd15\"\nsamplers = [\"ddim\"]\n", "");
  EXPECT_EQ(read(alone).checkpoints.size(), 4U);
}

TEST_F(ADistillTable, OfGuidedDistillIsOneRowOfManyStudents) {
  std::string recipe = edited(kRecipe, "method = \"lcd\"", "method = \"guided-distill\"");
  recipe =
      edited(recipe, "[lcd]\n", "[guided-distill]\nstage_one_steps = 4\nsteps_per_halving = 2\nstudents = [4, 2]\n");
  folder_.write("gd.toml", edited(recipe, "steps = 1000\n", ""));
  const std::string table = "[[distill]]\nname = \"gd\"\nrecipe = \"gd.toml\"\nsteps = [2, 4]\n";
  const Experiment e = read(with(table + "[grid]\n"));
  EXPECT_THAT(e.checkpoints[1].at(4).label(), testing::EndsWith("least.trained/gd/4-steps"));
  EXPECT_EQ(expand(e).size(), 3U);
  expect_refused(table + "skip_step = [5]\n[grid]\n", "expected no skip_step for guided-distill");
  expect_refused(edited(table, "[2, 4]", "[1]") + "[grid]\n", "expected a folder for 1 steps");
}

TEST_F(ADistillTable, ChangesTheConfigurationsHash) {
  const std::string one = read(with(kDistill)).canonical_json;
  EXPECT_EQ(read(with(kDistill)).canonical_json, one);
  folder_.write("lcd.toml", edited(kRecipe, "batch = 4", "batch = 8"));
  EXPECT_NE(read(with(kDistill)).canonical_json, one);
}

TEST_F(ADistillTable, ThatIsWrongIsRefused) {
  expect_refused(edited(kDistill, "recipe = ", "recepi = "), "did you mean \"recipe\"");
  expect_refused(edited(kDistill, "lcd.toml", "none.toml"), "found no file at", ExitCode::kInput);
  expect_refused(edited(kDistill, "[5, 20]", "[0]"), "skip_step");
  expect_refused(edited(kDistill, "[500, 1000]", "[500, 2000]"),
                 "rising numbers up to the recipe's train.steps = 1000");
  expect_refused(edited(kDistill, "[500, 1000]", "[1000, 500]"), "rising numbers");
  expect_refused(edited(kDistill, "\"lcm-k\"", "\"a b\""), "letters, digits");
  expect_refused(kDistill.substr(0, kDistill.find("[grid]")) + kDistill, "each checkpoint's name once");
  expect_refused(edited(kDistill, "skip_step = [5, 20]", "set = [\"lcd.omgea=3\"]"), "did you mean \"omega\"");
  folder_.write("lcd.toml", edited(kRecipe, "method = \"lcd\"", "method = \"vae\""));
  expect_refused(kDistill, "expected no [lcd] in a recipe of method vae");
}

TEST_F(ADistillTable, HasTheKeysThatTheDocumentationNames) {
  const std::string schema = read_file(std::string(FEWSTEP_SOURCE_DIR) + "/experiments/schema.md");
  const auto begin = schema.find("\n## [[distill]]\n"), end = schema.find("\n## ", begin + 1);
  const std::string section = schema.substr(begin, end - begin);
  for (const char* key : {"name", "recipe", "set", "skip_step", "evaluate_at", "steps", "omega", "guidance_scale",
                          "original_inference_steps"})
    EXPECT_THAT(section, testing::HasSubstr("\n| `" + std::string(key) + "` |"));
}

}  // namespace
}  // namespace fewstep
