#include "settings/experiment.h"

#include "experiment_files.h"

#include <gmock/gmock.h>

#include <limits>

namespace fewstep {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class AnExperiment : public ExperimentFolder {};

TEST_F(AnExperiment, IsReadWhole) {
  const Experiment e = read(kWhole);
  EXPECT_EQ(e.name, "table1-512");
  EXPECT_EQ(e.cell.seed, 20231006U);
  EXPECT_EQ(e.prompts.file, at("captions.tsv"));
  EXPECT_EQ(e.prompts.text, "caption");
  ASSERT_EQ(e.prompts.where.size(), 2U);
  EXPECT_EQ(e.prompts.where[0].column, "AESTHETIC_SCORE");
  EXPECT_EQ(e.prompts.where[0].at_least, 6.0);
  EXPECT_EQ(e.prompts.where[0].at_most, 9.5);
  EXPECT_EQ(e.prompts.where[1].column, "PWATERMARK");
  EXPECT_EQ(e.prompts.where[1].at_least, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(e.prompts.where[1].at_most, 0.5);
  EXPECT_EQ(e.prompts.count, 10000);
  EXPECT_EQ(e.images_per_prompt, 3);
  EXPECT_EQ(e.cell.negative_prompt, "blurry");
  EXPECT_EQ(e.reference_images, at("laion"));
  EXPECT_FALSE(e.reference_statistics);
  EXPECT_FALSE(e.assume_protocol);
  EXPECT_THAT(e.steps, ElementsAre(1, 2, 4, 8));
  EXPECT_THAT(e.spacing, ElementsAre(Spacing::kTrailing));
  EXPECT_EQ(e.final_sigma, FinalSigma::kZero);
  EXPECT_THAT(e.guidance, ElementsAre(Guidance{8.0, false}));
  EXPECT_THAT(e.original_inference_steps, ElementsAre(50));
  EXPECT_EQ(e.cell.height, 512);
  EXPECT_EQ(e.cell.width, 768);
  EXPECT_EQ(e.keep_images, Experiment::kEvery);
}

TEST_F(AnExperiment, HoldsItsCheckpointsInOrder) {
  const Experiment e = read(kWhole);
  ASSERT_EQ(e.checkpoints.size(), 4U);
  EXPECT_EQ(e.checkpoints[0].name, "sd21-base");
  EXPECT_EQ(e.checkpoints[0].path, at("sd15"));
  EXPECT_THAT(e.checkpoints[0].samplers, ElementsAre("ddim", "dpm", "dpm++"));
  EXPECT_THAT(e.checkpoints[0].steps, IsEmpty());
  EXPECT_THAT(e.checkpoints[0].guidance, IsEmpty());
  EXPECT_EQ(e.checkpoints[1].path, at("sd21-v"));  // written "./sd21-v/"
  EXPECT_THAT(e.checkpoints[1].steps, ElementsAre(25, 50));
  EXPECT_THAT(e.checkpoints[1].guidance, ElementsAre(Guidance{6.5, true}));
  EXPECT_EQ(e.checkpoints[2].name, "lcm");
  EXPECT_EQ(e.checkpoints[3].name, "guided-distill");
}

TEST_F(AnExperiment, TakesAStudentForEachStepCount) {
  const ExperimentCheckpoint student = read(kWhole).checkpoints.at(3);
  EXPECT_TRUE(student.path.empty());
  EXPECT_EQ(student.by_steps.size(), 4U);
  EXPECT_EQ(student.at(1), at("gd-1"));
  EXPECT_EQ(student.at(8), at("gd-8"));
  EXPECT_FEWSTEP_ERROR(student.at(3), ExitCode::kUsage, "expected a folder for 3 steps in path, found none");
}

TEST_F(AnExperiment, HoldsItsMetricsAndTiming) {
  const Experiment e = read(kWhole);
  ASSERT_EQ(e.metrics.size(), 2U);
  EXPECT_EQ(e.metrics[0].name, "fid");
  EXPECT_EQ(e.metrics[0].protocol, "pytorch-fid");
  EXPECT_EQ(e.metrics[0].network, at("inception.safetensors"));
  EXPECT_EQ(e.metrics[1].name, "clip-score");
  EXPECT_EQ(e.metrics[1].protocol, "transformers");  // the first, where none is given
  EXPECT_EQ(e.metrics[1].network, at("clip"));
  ASSERT_TRUE(e.timing);
  EXPECT_THAT(e.timing->batch, ElementsAre(1));
  EXPECT_EQ(e.timing->warmup, 3);
  EXPECT_EQ(e.timing->repetitions, 10);
}

TEST_F(AnExperiment, NeedsLittle) {
  const Experiment e = read(kLeast);
  EXPECT_FALSE(e.prompts.text);
  EXPECT_FALSE(e.prompts.count);
  EXPECT_THAT(e.prompts.where, IsEmpty());
  EXPECT_EQ(e.images_per_prompt, 1);
  EXPECT_EQ(e.cell.negative_prompt, "");
  EXPECT_FALSE(e.reference_images);
  EXPECT_FALSE(e.reference_statistics);
  EXPECT_THAT(e.spacing, ElementsAre(Spacing::kTrailing));
  EXPECT_EQ(e.final_sigma, FinalSigma::kZero);
  EXPECT_THAT(e.original_inference_steps, IsEmpty());  // each checkpoint's own
  EXPECT_THAT(e.metrics, IsEmpty());
  EXPECT_FALSE(e.timing);
  EXPECT_EQ(e.cell.height, 0);
  EXPECT_EQ(e.cell.width, 0);
  EXPECT_EQ(e.keep_images, 8);
}

TEST_F(AnExperiment, HasTimingDefaultsWhereTheTableIsEmpty) {
  const Experiment e = read(kLeast + "[timing]\n");
  ASSERT_TRUE(e.timing);
  EXPECT_THAT(e.timing->batch, ElementsAre(1));
  EXPECT_EQ(e.timing->warmup, 3);
  EXPECT_EQ(e.timing->repetitions, 10);
}

TEST_F(AnExperiment, TakesStatisticsAsReference) {
  const Experiment e =
      read(edited(kWhole, "images = \"laion/\"", "statistics = \"laion.npz\"\nassume_protocol = true"));
  EXPECT_FALSE(e.reference_images);
  EXPECT_EQ(e.reference_statistics, at("laion.npz"));
  EXPECT_TRUE(e.assume_protocol);
}

TEST_F(AnExperiment, TakesBuiltinScenesAsPromptsAndReference) {
  const std::string scenes = edited(kLeast, "file = \"captions.txt\"", "builtin = \"shapes\"\ncount = 5");
  const Experiment e = read(scenes + "[reference]\nbuiltin = \"shapes\"\n");
  ASSERT_TRUE(e.prompts.shapes && e.reference_shapes);
  EXPECT_EQ(e.prompts.count, 5);
  EXPECT_EQ(e.prompts.shapes->split, ShapeSplit::kTest);
  EXPECT_EQ(e.prompts.shapes->style, ShapeStyle::kFilled);
  EXPECT_EQ(e.reference_shapes->scenes.split, ShapeSplit::kTest);
  EXPECT_EQ(e.reference_shapes->scenes.style, ShapeStyle::kFilled);
  EXPECT_EQ(e.reference_shapes->count, 4000);
  EXPECT_EQ(e.reference_shapes->first, 100'000);
  EXPECT_TRUE(e.has_reference());

  const std::string others = "split = \"validation\"\nstyle = \"outline\"\n";
  const Experiment other = read(edited(scenes, "count = 5\n", "count = 5\n" + others) +
                                "[reference]\nbuiltin = \"shapes\"\ncount = 20\nfirst = 7\n" + others);
  EXPECT_EQ(other.prompts.shapes->split, ShapeSplit::kValidation);
  EXPECT_EQ(other.prompts.shapes->style, ShapeStyle::kOutline);
  EXPECT_EQ(other.reference_shapes->scenes.split, ShapeSplit::kValidation);
  EXPECT_EQ(other.reference_shapes->scenes.style, ShapeStyle::kOutline);
  EXPECT_EQ(other.reference_shapes->count, 20);
  EXPECT_EQ(other.reference_shapes->first, 7);
}

// Not to the folder in which the program was started.
TEST_F(AnExperiment, HasPathsRelativeToItsFile) {
  folder_.write("deeper/below.toml",
                edited(edited(kLeast, "captions.txt", "../captions.txt"), "\"sd15\"", "\"../sd15\""));
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(at("clip"));
  const Experiment e = read_experiment("../deeper/below.toml");
  std::filesystem::current_path(before);
  EXPECT_EQ(e.prompts.file, at("captions.txt"));
  EXPECT_EQ(e.checkpoints[0].path, at("sd15"));
}

TEST_F(AnExperiment, TakesAbsolutePaths) {
  const std::string sd15 = golden_checkpoint("sd15").lexically_normal().string();
  EXPECT_EQ(read(edited(kLeast, "path = \"sd15\"", "path = \"" + sd15 + "\"")).checkpoints[0].path, sd15);
}

TEST_F(AnExperiment, MayStandInAFolderNamedInAnotherEncoding) {
  const std::filesystem::path latin1 = at("caf\xe9");
  std::filesystem::create_directory(latin1);
  std::filesystem::create_directory_symlink(golden_checkpoint("sd15"), latin1 / "sd15");
  std::ofstream(latin1 / "captions.txt") << "";
  std::ofstream(latin1 / "least.toml") << kLeast;
  const Experiment e = read_experiment(latin1 / "least.toml");
  EXPECT_EQ(e.prompts.file, latin1 / "captions.txt");
  EXPECT_THAT(e.canonical_json, testing::HasSubstr("caf\xEF\xBF\xBD"));
}

TEST_F(AnExperiment, MayUseALoraMergedStudent) {
  const std::string text = edited(edited(kLeast, "\"sd15\"", "\"lcm-lora\""), "\"ddim\"", "\"lcm\"");
  EXPECT_EQ(expand(read(text)).size(), 1U);
}

}  // namespace
}  // namespace fewstep
