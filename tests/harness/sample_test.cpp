#include "core/tensor.h"
#include "harness/small_experiment.h"
#include "images/files.h"
#include "models/golden.h"

#include <ATen/ops/cat.h>
#include <gmock/gmock.h>

namespace fewstep {
namespace {

using testing::HasSubstr;

std::string checkpoint(const std::string& name) { return (golden_folder() / "checkpoints" / name).string(); }

// Every sampler from diffusers' start, through the program.
struct SampleCase {
  std::string checkpoint, sampler, key, spacing = "trailing", final_sigma = "zero";
};
void PrintTo(const SampleCase& given, std::ostream* out) { *out << given.key; }
class SampleProgram : public testing::TestWithParam<SampleCase> {};

TEST_P(SampleProgram, ReplaysDiffusersFromGivenNoise) {
  const TemporaryFolder folder;
  const auto given = golden("models/pipelines.safetensors");
  const auto start = folder.path() / "start.safetensors", end = folder.path() / "end.safetensors";
  save_tensors(start, {{"latents", given.at("start")}, {"noise", given.at("noise")}});
  const Finished finished = run_program("fewstep", {"sample",
                                                    "--checkpoint",
                                                    checkpoint(GetParam().checkpoint),
                                                    "--sampler",
                                                    GetParam().sampler,
                                                    "--steps",
                                                    "4",
                                                    "--omega",
                                                    "7",
                                                    "--prompt",
                                                    "a red circle on the blue square",
                                                    "--latents",
                                                    start,
                                                    "--save-latents",
                                                    end,
                                                    "--spacing",
                                                    GetParam().spacing,
                                                    "--final-sigma",
                                                    GetParam().final_sigma,
                                                    "-o",
                                                    folder.path() / "out",
                                                    "--device",
                                                    "cpu"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  const auto made = load_tensors(end);
  EXPECT_NEAR_GOLDEN(made.at("latents"), given.at(GetParam().key + "|latents"), 1.5e-5);
  EXPECT_NEAR_GOLDEN(made.at("images"), given.at(GetParam().key + "|images"), 1.5e-4);
  EXPECT_EQ(read_image(folder.path() / "out/00000.png"), to_images(made.at("images"))[0]);
}

INSTANTIATE_TEST_SUITE_P(Samplers, SampleProgram,
                         testing::Values(SampleCase{"sd15", "ddim", "sd15|ddim|trailing|zero|7.0||4"},
                                         SampleCase{"sd15", "dpm", "sd15|dpm|trailing|min|7.0||4", "trailing", "min"},
                                         SampleCase{"sd15", "dpm++", "sd15|dpm++|leading|zero|7.0||4", "leading"},
                                         SampleCase{"guided-distill", "guided-distill",
                                                    "guided-distill|guided-distill|trailing|zero|7.0||4"},
                                         SampleCase{"lcm", "lcm", "lcm|lcm|lcm|zero|7.0||4", "lcm"}),
                         [](const auto& given) {
                           std::string name;
                           for (const char c : given.param.sampler) name += c == '+' ? 'p' : c == '-' ? '_' : c;
                           return name;
                         });

TEST(Sample, GuidanceScaleIsOnePlusOmegaAndStreamsBelongToRows) {
  const TemporaryFolder folder;
  const auto prompts = folder.write("prompts.txt", "a red square\na blue circle\nthe green square\n");
  const auto sample = [&](const std::string& name, std::vector<std::string> options) {
    options.insert(options.begin(), {"sample", "--checkpoint", checkpoint("sd15"), "--sampler", "ddim", "--steps", "2",
                                     "-o", folder.path() / name, "--device", "cpu", "--seed", "9"});
    const Finished finished = run_program("fewstep", options);
    EXPECT_EQ(finished.code, 0) << finished.err;
  };
  sample("omega", {"--omega", "3", "--prompts", prompts, "--batch", "3"});
  sample("scale", {"--guidance-scale", "4", "--prompts", prompts, "--batch", "3"});
  sample("single", {"--omega", "3", "--prompt", "a red square"});
  for (const char* name : {"00000.png", "00001.png", "00002.png"})
    EXPECT_EQ(read_image(folder.path() / "omega" / name), read_image(folder.path() / "scale" / name));
  const Image batch = read_image(folder.path() / "omega/00000.png"),
              alone = read_image(folder.path() / "single/00000.png");
  int largest = 0;
  for (std::size_t i = 0; i < batch.rgb.size(); ++i) largest = std::max(largest, std::abs(batch.rgb[i] - alone.rgb[i]));
  EXPECT_LE(largest, 1) << "an image does not depend on its batch";
}

TEST(Sample, RefusesWhatDoesNotFit) {
  const TemporaryFolder folder;
  const auto sample = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"sample", "--prompt", "x", "-o", folder.path() / "out", "--device", "cpu"});
    return run_program("fewstep", options);
  };
  Finished finished = sample({"--checkpoint", checkpoint("sd15"), "--sampler", "lcm", "--omega", "0"});
  EXPECT_EQ(finished.code, 2);
  EXPECT_THAT(finished.err, HasSubstr("ddim, dpm, dpm++"));
  finished = sample({"--checkpoint", folder.path() / "nowhere", "--sampler", "lcm", "--omega", "0"});
  EXPECT_EQ(finished.code, 3);
  EXPECT_THAT(finished.err, HasSubstr("nowhere"));

  const auto start = folder.path() / "start.safetensors";
  save_tensors(start, {{"latents", golden("models/pipelines.safetensors").at("start")}});
  finished = sample({"--checkpoint", checkpoint("lcm"), "--sampler", "lcm", "--omega", "7", "--latents", start});
  EXPECT_EQ(finished.code, 3);
  EXPECT_THAT(finished.err, HasSubstr("expected a tensor noise [3,1,"));
  save_tensors(start, {{"latents", golden("models/pipelines.safetensors").at("start").slice(1, 0, 3)}});
  finished = sample({"--checkpoint", checkpoint("lcm"), "--sampler", "lcm", "--omega", "7", "--latents", start});
  EXPECT_EQ(finished.code, 3);
  EXPECT_THAT(finished.err, HasSubstr("[1,3,8,8]"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "out"));
}

}  // namespace
}  // namespace fewstep
