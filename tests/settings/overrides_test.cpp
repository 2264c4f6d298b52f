#include "experiment_files.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

using testing::ElementsAre;

class ASetting : public ExperimentFolder {};

TEST_F(ASetting, IsReplaced) {
  const Experiment e = read(kWhole, {"grid.steps=[4]", "seed=7", "images.keep=false", "prompts.count=12"});
  EXPECT_THAT(e.steps, ElementsAre(4));
  EXPECT_EQ(e.cell.seed, 7U);
  EXPECT_EQ(e.keep_images, 0);
  EXPECT_EQ(e.prompts.count, 12);
  EXPECT_EQ(e.prompts.text, "caption");  // the rest stays
}

TEST_F(ASetting, MayBeTextWithoutQuotes) {
  const Experiment e = read(kWhole, {"prompts.file=captions.txt", "name=other-name", "grid.final_sigma=min",
                                     R"(prompts.negative_prompt=a "red" \ tréé 木)", "prompts.text='caption'"});
  EXPECT_EQ(e.prompts.file, at("captions.txt"));
  EXPECT_EQ(e.name, "other-name");
  EXPECT_EQ(e.final_sigma, FinalSigma::kMin);
  EXPECT_EQ(e.cell.negative_prompt, "a \"red\" \\ tréé 木");
  EXPECT_EQ(e.prompts.text, "caption");
}

TEST_F(ASetting, OfAListIsFoundByNameOrNumber) {
  const Experiment e = read(
      kWhole, {"checkpoint.lcm.path=lcm-lora", "checkpoint.1.steps=[30]", "metric.clip-score.protocol=torchmetrics",
               "prompts.where.0.at_least=5", "checkpoint.guided-distill.path.1=gd-8"});
  EXPECT_EQ(e.checkpoints[2].path, at("lcm-lora"));
  EXPECT_THAT(e.checkpoints[1].steps, ElementsAre(30));
  EXPECT_EQ(e.metrics[1].protocol, "torchmetrics");
  EXPECT_EQ(e.prompts.where[0].at_least, 5);
  EXPECT_EQ(e.checkpoints[3].at(1), at("gd-8"));
}

TEST_F(ASetting, MayBeNew) {
  const Experiment e = read(kLeast, {"timing.warmup=1", "grid.spacing=[\"leading\"]", "checkpoint.a.steps=[2]"});
  EXPECT_EQ(e.timing->warmup, 1);
  EXPECT_THAT(e.spacing, ElementsAre(Spacing::kLeading));
  EXPECT_THAT(e.checkpoints[0].steps, ElementsAre(2));
}

TEST_F(ASetting, MayBeOneValueWhereAListIsExpected) {
  const Experiment e = read(kLeast, {"grid.steps=4", "grid.spacing=leading", "grid.omega=3"});
  EXPECT_THAT(e.steps, ElementsAre(4));
  EXPECT_THAT(e.spacing, ElementsAre(Spacing::kLeading));
  EXPECT_THAT(e.guidance, ElementsAre(Guidance{3, false}));
}

TEST_F(ASetting, GivenTwiceIsTheLastOne) { EXPECT_EQ(read(kLeast, {"seed=1", "seed=2"}).cell.seed, 2U); }

TEST_F(ASetting, HasPathsRelativeToTheFileToo) {
  EXPECT_EQ(
      read(kLeast, {"checkpoint.a.path=../" + folder_.path().filename().string() + "/sd21-v"}).checkpoints[0].path,
      at("sd21-v"));
}

// The words of a bad --set, and what the error says; every one names the option.
class ABadSetting : public ExperimentFolder, public testing::WithParamInterface<std::pair<const char*, const char*>> {};

TEST_P(ABadSetting, IsRefusedNamingTheOption) {
  const auto& [set, message] = GetParam();
  try {
    read(kWhole, {set});
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUsage);
    EXPECT_THAT(error.what(), testing::StartsWith("[--set " + std::string(set) + "] "));
    EXPECT_THAT(error.what(), testing::HasSubstr(message));
  }
}

using Bad = std::pair<const char*, const char*>;
INSTANTIATE_TEST_SUITE_P(
    All, ABadSetting,
    testing::Values(
        Bad{"grid.steps", "expected key=value, such as grid.steps=[4]"}, Bad{"=4", "expected key=value"},
        Bad{"", "expected key=value"}, Bad{"seed=", "expected a TOML value after \"=\""},
        Bad{"grid.steps=[4", "expected a TOML value after \"=\""},
        Bad{"grid.steps=[]", "expected a list of at least one of whole numbers"},
        Bad{"grid.steps=[]", "got an empty list"}, Bad{"grid.=4", "expected a key of a table, got \"grid.\""},
        Bad{".grid=4", "expected a key of a table"}, Bad{"grid..steps=4", "expected a key of a table"},
        Bad{"gird.steps=[4]", "unknown name \"gird\"; did you mean \"grid\"?"},
        Bad{"grid.stesp=[4]", "unknown name \"stesp\"; did you mean \"steps\"?"},
        Bad{"seed.x=4", "expected \"seed\" to be a table, got a value"}, Bad{"grid.steps.x.y=4", "unknown name \"x\""},
        Bad{"checkpoint.lmc.path=x", "unknown name \"lmc\"; did you mean \"lcm\"?"},
        Bad{"checkpoint.4.path=x", "expected an index below 4, got 4"},
        Bad{"checkpoint.-1.path=x", "unknown name \"-1\""},
        Bad{"checkpoint.99999999999999999999.path=x", "unknown name \"99999999999999999999\""},
        // Once set the key of the root that has the same name.
        Bad{"checkpoint.name=x",
            "expected NAME.KEY of one of the list \"checkpoint\", or the whole list, got \"name\""},
        Bad{"grid.steps.0=4", "expected NAME.KEY of one of the list \"steps\""},
        Bad{"checkpoint=3", "expected tables [[checkpoint]], got 3"}, Bad{"name=a b", "expected letters"},
        Bad{"name=2024", "expected text that is not empty for name, got 2024"},
        Bad{"grid.final_sigma=none", "unknown name \"none\"; known: zero, min"},
        Bad{"prompts.count=1e3", "expected a whole number from 1 to 1000000000 for count, got 1000.0"},
        Bad{"seed=1\nname=\"x\"", "expected one line after \"=\""}, Bad{"prompts.text=\xff\xfe", "invalid utf-8"},
        Bad{"prompts.text=a\x01", "expected TOML"}, Bad{"distill=1", "expected tables [[distill]], got 1"},
        Bad{"prompts.builtin=shapes", "found both"}, Bad{"reference.builtin=shapes", "got more than one"},
        Bad{"reference.style=outline", "expected style beside builtin alone"},
        Bad{"checkpoint.lcm.samplers=[\"ddim\"]", "a consistency checkpoint (lcm), got ddim"},
        Bad{"grid.guidance_scale=[9]", "expected omega or guidance_scale, got both"}));

TEST_F(ASetting, ThatNamesAMissingFileIsAnInputError) {
  EXPECT_FEWSTEP_ERROR(read(kLeast, {"checkpoint.a.path=none"}), ExitCode::kInput,
                       "[--set checkpoint.a.path=none] expected a folder, found nothing at ");
}

TEST_F(ASetting, OfManyPartsIsRefused) {
  std::string deep;
  for (int i = 0; i < 50'000; ++i) deep += "a.";
  EXPECT_FEWSTEP_ERROR(read(kLeast, {deep + "a=1"}), ExitCode::kUsage, "expected keys of at most 32 parts");
  EXPECT_FEWSTEP_ERROR(read(kLeast, {"a={" + deep + "a=1}"}), ExitCode::kUsage, "expected keys of at most 32 parts");
  std::string up;
  for (int i = 0; i < 40; ++i) up += "../";  // no key
  EXPECT_FEWSTEP_ERROR(read(kLeast, {"prompts.file=" + up + "none.txt"}), ExitCode::kInput,
                       "found nothing at /none.txt");
}

}  // namespace
}  // namespace fewstep
