#include "settings/recipe.h"
#include "core/error.h"
#include "core/files.h"
#include "temporary.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

const std::string kLcd = R"(name = "k20"
method = "lcd"
seed = 1
output = "out/lcm"
[lcd]
teacher = "teacher"
omega = [2.0, 14.0]
[data]
builtin = "shapes"
count = 100
[train]
steps = 10
batch = 4
learning_rate = 1e-4
)";

class RecipeFile : public testing::Test {
 protected:
  RecipeFile() {
    folder_.write("teacher/model_index.json", "{}");
    folder_.write("net.json", "{}");
  }
  Recipe read(const std::string& text, const std::vector<std::string>& overrides = {}) const {
    return read_recipe(folder_.write("recipe.toml", text), overrides);
  }
  static std::string edited(const std::string& from, const std::string& to) {
    std::string text = kLcd;
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }
  void expect_refused(const std::string& text, const std::string& message, ExitCode code = ExitCode::kUsage) const {
    EXPECT_FEWSTEP_ERROR(read(text), code, message);
  }

  TemporaryFolder folder_;
};

TEST_F(RecipeFile, HasTheDocumentedDefaults) {
  const Recipe recipe = read(kLcd);
  EXPECT_EQ(recipe.parent, folder_.path() / "teacher");
  EXPECT_EQ(recipe.output, folder_.path() / "out/lcm");
  EXPECT_EQ(cache_folder(recipe), folder_.path() / "out/cache");
  EXPECT_EQ(recipe.data.shapes->split, ShapeSplit::kTrain);
  EXPECT_EQ(recipe.data.resolution, 32);
  EXPECT_EQ(recipe.consistency.solver, Solver::kDdim);
  EXPECT_EQ(recipe.consistency.skip_step, 20);
  EXPECT_EQ(recipe.consistency.omega.low, 2);
  EXPECT_EQ(recipe.consistency.omega.high, 14);
  EXPECT_EQ(recipe.consistency.omega_embedding_dim, 256);
  EXPECT_EQ(recipe.consistency.distance, DistanceKind::kL2);
  EXPECT_EQ(recipe.consistency.ema, 0.95);
  EXPECT_EQ(recipe.train.weight_decay, 0.01);
  EXPECT_EQ(recipe.train.clip, 1);
  EXPECT_EQ(recipe.train.save_every, 500);
  EXPECT_EQ(recipe.train.decay, Decay::kConstant);
  EXPECT_EQ(recipe.dtype, Dtype::kFloat32);
}

TEST_F(RecipeFile, OneOmegaIsFixed) {
  const Recipe recipe = read(edited("[2.0, 14.0]", "7.5"));
  EXPECT_EQ(recipe.consistency.omega.low, 7.5);
  EXPECT_EQ(recipe.consistency.omega.high, 7.5);
}

TEST_F(RecipeFile, MeansTheSameWhereverItAndItsOutputLie) {
  const std::string here = read(kLcd).canonical_json;
  EXPECT_EQ(read(edited("out/lcm", "elsewhere/lcm")).canonical_json, here);
  EXPECT_EQ(read(kLcd, {"data.cache=/tmp/x", "train.save_every=3"}).canonical_json, here);
  EXPECT_NE(read(kLcd, {"lcd.skip_step=50"}).canonical_json, here);
  EXPECT_NE(read(kLcd, {"seed=2"}).canonical_json, here);
  EXPECT_NE(read(kLcd, {"train.learning_rate=2e-4"}).canonical_json, here);
}

TEST_F(RecipeFile, BadOnesAreRefusedWithPlaceAndNearestName) {
  expect_refused(kLcd + "[lcf]\nmodel = \"teacher\"\n", "expected no [lcf] in a recipe of method lcd");
  expect_refused(edited("method = \"lcd\"", "method = \"lcm\""), "did you mean \"lcd\"");
  expect_refused(edited("teacher = ", "taecher = "), "did you mean \"teacher\"");
  expect_refused(edited("teacher = \"teacher\"", "teacher = \"nowhere\""), "found nothing at", ExitCode::kInput);
  expect_refused(edited("[2.0, 14.0]", "[14.0, 2.0]"), "low <= high");
  expect_refused(edited("[2.0, 14.0]", "[1.0, 2.0, 3.0]"), "[low, high]");
  expect_refused(edited("omega = [2.0, 14.0]", ""), "omega");
  expect_refused(edited("builtin = \"shapes\"", "builtin = \"shape\""), "did you mean \"shapes\"");
  expect_refused(edited("builtin = \"shapes\"", ""), "got neither");
  expect_refused(edited("count = 100", "count = 100\nimages = \"x\""), "got both");
  expect_refused(edited("count = 100", "count = 100\nsplit = \"tset\""), "did you mean \"test\"");
  expect_refused(edited("count = 100", "count = 0"), "count");
  expect_refused(edited("steps = 10", "step = 10"), "did you mean \"steps\"");
  expect_refused(edited("batch = 4", "batch = -4"), "batch");
  expect_refused(edited("learning_rate = 1e-4", "learning_rate = -1.0"), "learning_rate");
  expect_refused(edited("learning_rate = 1e-4", ""), "learning_rate");
  expect_refused(edited("learning_rate = 1e-4", "learning_rate = nan"), "learning_rate");
  expect_refused(edited("learning_rate = 1e-4", "learning_rate = 1e-4\nbetas = [0.9, 1.0]"), "betas");
  expect_refused(edited("learning_rate = 1e-4", "learning_rate = 1e-4\ndecay = \"cosin\""), "did you mean \"cosine\"");
  expect_refused(edited("omega = [2", "solver = \"heun\"\nomega = [2"),
                 "unknown name \"heun\"; known: ddim, dpm, dpm++");
  expect_refused(edited("omega = [2", "skip_step = 0\nomega = [2"), "skip_step");
  expect_refused(edited("omega = [2", "distance = \"l3\"\nomega = [2"), "did you mean \"l2\"");
  expect_refused(edited("omega = [2", "ema = 1.5\nomega = [2"), "ema");
  expect_refused(edited("seed = 1", ""), "seed");
  expect_refused("name = ", "recipe.toml");
}

TEST_F(RecipeFile, StudentsOfGuidedDistillHalve) {
  const std::string text = R"(name = "gd"
method = "guided-distill"
seed = 1
output = "gd"
[guided-distill]
teacher = "teacher"
omega = 3.0
stage_one_steps = 10
steps_per_halving = 5
students = [4, 2, 1]
[data]
builtin = "shapes"
count = 100
[train]
batch = 4
learning_rate = 1e-4
)";
  EXPECT_EQ(read(text).guided_distill.students, (std::vector<int>{4, 2, 1}));
  std::string odd = text;
  expect_refused(odd.replace(odd.find("[4, 2, 1]"), 9, "[4, 3, 1]"), "half the steps");
  expect_refused(text + "steps = 4\n", "stage_one_steps and steps_per_halving");
}

TEST_F(RecipeFile, EveryRecipeOfTheRepositoryReads) {
  int read_ones = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(FEWSTEP_SOURCE_DIR) + "/pocket/recipes")) {
    try {
      read_recipe(entry.path());
    } catch (const Error& error) {
      // A parent that is not trained yet; anything else is a mistake in the recipe.
      EXPECT_EQ(error.code(), ExitCode::kInput) << error.what();
    }
    ++read_ones;
  }
  EXPECT_GE(read_ones, 7);
}

// The keys that the reader knows, as its own errors list them, stand in the documentation, each in a row of a table.
TEST_F(RecipeFile, HasTheKeysThatTheDocumentationNames) {
  const std::string text = read_file(std::string(FEWSTEP_SOURCE_DIR) + "/experiments/recipes.md");
  for (const std::string prefix : {"", "data.", "train.", "lcd."}) {
    try {
      read(kLcd, {prefix + "qqqqqqqqqqqqqqqq=1"});
      ADD_FAILURE() << prefix;
    } catch (const Error& error) {
      const std::string what = error.what();
      std::istringstream names(what.substr(what.find("; known: ") + 9));
      for (std::string name; names >> name;) {
        name = name.substr(0, name.find(','));
        EXPECT_THAT(text, testing::ContainsRegex("[|,] `" + name + "`")) << prefix << name;
      }
    }
  }
}

TEST_F(RecipeFile, OfTheDocumentationReads) {
  const std::string text = read_file(std::string(FEWSTEP_SOURCE_DIR) + "/experiments/recipes.md");
  const auto begin = text.find("```toml\n") + 8, end = text.find("\n```\n", begin);
  folder_.write("stable-diffusion-2-1-base/model_index.json", "{}");
  const Recipe recipe = read(text.substr(begin, end + 1 - begin));
  EXPECT_EQ(recipe.train.keep_at, (std::vector<std::int64_t>{2000, 4000}));
  EXPECT_EQ(recipe.data.resolution, 512);
}

}  // namespace
}  // namespace fewstep
