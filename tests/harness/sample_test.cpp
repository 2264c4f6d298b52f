#include "core/files.h"
#include "core/tensor.h"
#include "harness/small_experiment.h"
#include "images/files.h"
#include "models/golden.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <fmt/format.h>
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

// Those that take times in diffusers; lcm on a teacher is what LCMScheduler makes of merged LCM-LoRA weights.
TEST(Sample, ReplaysDiffusersAtGivenTimes) {
  const auto given = golden("models/pipelines.safetensors");
  for (const auto& [from, sampler, omega, negative, noted] : {std::tuple{"lcm", "lcm", "7.0", "", false},
                                                              {"sd15", "lcm", "0.0", "", true},
                                                              {"sd15", "lcm", "0.5", "green, and blue", true},
                                                              {"sd15", "dpm++", "7.0", "", false}}) {
    const TemporaryFolder folder;
    const auto start = folder.path() / "start.safetensors", end = folder.path() / "end.safetensors";
    save_tensors(start, {{"latents", given.at("start")}, {"noise", given.at("noise")}});
    const Finished finished = run_program(
        "fewstep", {"sample", checkpoint(from), "a red circle on the blue square", "--sampler", sampler, "--times",
                    "999,749,499,249", "--omega", omega, "--negative-prompt", negative, "--latents", start,
                    "--save-latents", end, "-o", folder.path() / "out", "--device", "cpu"});
    ASSERT_EQ(finished.code, 0) << finished.err;
    EXPECT_THAT(finished.out, HasSubstr(", grid times:999-749-499-249\n"));
    EXPECT_EQ(finished.err.find("lcm runs at the given times on a checkpoint whose scheduler is") != std::string::npos,
              noted)
        << finished.err;
    const auto key = fmt::format("{}|{}|times:999-749-499-249|zero|{}|{}|4|latents", from, sampler, omega, negative);
    EXPECT_NEAR_GOLDEN(load_tensors(end).at("latents"), given.at(key), 1.5e-5);
  }
}

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

// sampler, steps and guidance of the three kinds, as captions.csv names them; a checkpoint's name is its folder's.
TEST(Sample, TakesWhatIsNotSaidFromTheCheckpoint) {
  const std::string pocket = std::string(FEWSTEP_SOURCE_DIR) + "/pocket/";
  for (const auto& [checkpoint, label, line] :
       {std::tuple{"lcm", "sampler=lcm steps=4 omega=1.5",
                   "lcm, 4 steps, omega 1.5 (guidance_scale 2.5), grid lcm of 10 original steps"},
        {"teacher", "sampler=dpm++ steps=25 guidance_scale=7.5",
         "dpm++, 25 steps, omega 6.5 (guidance_scale 7.5), grid trailing"},
        {"guided-distill/2-steps", "sampler=guided-distill steps=2 omega=1.5",
         "guided-distill, 2 steps, omega 1.5 (guidance_scale 2.5), grid trailing"}}) {
    const TemporaryFolder folder;
    const auto out = folder.path() / "out";
    const Finished finished = run_program(
        "fewstep", {"sample", pocket + checkpoint, "a red circle", "-o", out, "--device", "cpu", "--contact-sheet"});
    ASSERT_EQ(finished.code, 0) << finished.err;
    EXPECT_THAT(read_file(out / "captions.csv"), HasSubstr(label));
    EXPECT_THAT(finished.out, HasSubstr("1 image in " + out.string() + ": " + line + "\n"));
    EXPECT_EQ(read_image(folder.path() / "out.png"), read_image(out / "00000.png")) << "a sheet of one image, beside";
  }
}

TEST(Sample, TakesHeightAndWidth) {
  const TemporaryFolder folder;
  const auto sample = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"sample", std::string(FEWSTEP_SOURCE_DIR) + "/pocket/lcm", "a red circle", "-o",
                               folder.path() / "out", "--device", "cpu", "--steps", "1", "--force"});
    return run_program("fewstep", more);
  };
  ASSERT_EQ(sample({"--height", "64"}).code, 0);
  const Image image = read_image(folder.path() / "out/00000.png");
  EXPECT_EQ(image.height, 64);
  EXPECT_EQ(image.width, 32);
  const Finished odd = sample({"--width", "33"});
  EXPECT_EQ(odd.code, 2);
  EXPECT_THAT(odd.err, HasSubstr("expected a height and width that are multiples of"));
}

TEST(Sample, OfAModelWithoutGuidanceSaysWhatItTakes) {
  const TemporaryFolder folder;
  const Finished merged = run_program(
      "fewstep", {"sample", checkpoint("lcm-lora"), "a red circle", "-o", folder.path() / "out", "--device", "cpu"});
  ASSERT_EQ(merged.code, 0) << merged.err;
  EXPECT_THAT(merged.out, HasSubstr(": lcm, 4 steps, omega 0 (guidance_scale 1), grid lcm"));
  EXPECT_THAT(merged.err, HasSubstr("its UNet has no omega embedding: it is sampled without guidance"));
}

TEST(Sample, MakesTheImageOfOneRowAsAmongAll) {
  const TemporaryFolder folder;
  const auto captions = folder.write("captions.txt", "a red circle\na blue square\na green circle\n");
  const auto sample = [&](const std::string& out, std::vector<std::string> more) {
    std::vector<std::string> words{"sample",    std::string(FEWSTEP_SOURCE_DIR) + "/pocket/lcm",
                                   "--prompts", captions,
                                   "-o",        folder.path() / out,
                                   "--device",  "cpu",
                                   "--batch",   "1"};
    words.insert(words.end(), more.begin(), more.end());
    return run_program("fewstep", words);
  };
  ASSERT_EQ(sample("all", {}).code, 0);
  ASSERT_EQ(sample("one", {"--row", "2"}).code, 0);
  EXPECT_EQ(read_image(folder.path() / "one/00000.png"), read_image(folder.path() / "all/00002.png"));
  const Finished none = sample("none", {"--row", "3"});
  EXPECT_EQ(none.code, 2);
  EXPECT_THAT(none.err, HasSubstr("expected a row of " + captions.string() + " that has a caption, got 3"));
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

// A golden checkpoint that a test changes into what people have.
class ChangedCheckpoint : public testing::Test {
 protected:
  void copy(const std::string& name) {
    std::filesystem::copy(checkpoint(name), path(), std::filesystem::copy_options::recursive);
  }
  std::filesystem::path path() const { return folder_.path() / "checkpoint"; }
  void set(const std::string& file, const std::string& key, const nlohmann::json& value) const {
    nlohmann::json content = nlohmann::json::parse(read_file(path() / file));
    content[key] = value;
    folder_.write("checkpoint/" + file, content.dump());
  }
  Finished sample(const std::string& sampler, const std::vector<std::string>& more = {},
                  const std::string& prompt = "a") const {
    std::vector<std::string> arguments{
        "sample", "--checkpoint",         path(),     "--sampler", sampler,   "--steps", "1", "--prompt", prompt,
        "-o",     folder_.path() / "out", "--device", "cpu",       "--omega", "0"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program("fewstep", arguments);
  }
  TemporaryFolder folder_;
};

TEST_F(ChangedCheckpoint, ThatIsAStudentUnderAnotherSchedulerIsToldHowToSaySo) {
  copy("lcm-lora");
  set("model_index.json", "scheduler", {"diffusers", "PNDMScheduler"});
  set("scheduler/scheduler_config.json", "_class_name", "PNDMScheduler");
  const Finished finished = sample("lcm");
  EXPECT_EQ(finished.code, 2);
  EXPECT_THAT(finished.err,
              HasSubstr("a teacher checkpoint (ddim, dpm, dpm++), got lcm; if it is a consistency model, its "
                        "scheduler has to say so: set the scheduler's class in model_index.json"));
}

TEST_F(ChangedCheckpoint, WithALoraFusedAndNotUnloadedIsToldToUnloadIt) {
  copy("sd15");
  const auto file = path() / "unet/diffusion_pytorch_model.safetensors";
  auto tensors = load_tensors(file);
  std::map<std::string, Tensor> fused;
  for (const auto& [name, tensor] : tensors) {
    const auto at = name.find(".to_q.weight");
    fused.emplace(at == std::string::npos ? name : name.substr(0, at) + ".to_q.base_layer.weight", tensor.clone());
    if (at != std::string::npos) fused.emplace(name.substr(0, at) + ".to_q.lora_A.default_0.weight", at::ones({1, 1}));
  }
  save_tensors(file, fused);
  const Finished finished = sample("ddim");
  EXPECT_EQ(finished.code, 3);
  EXPECT_THAT(finished.err, HasSubstr("call unload_lora_weights() after fuse_lora(), and save the pipeline again"));
}

TEST_F(ChangedCheckpoint, HasALearnedTokenOfAddedTokensJson) {
  copy("sd15");
  const auto file = path() / "text_encoder/model.safetensors";
  auto tensors = load_tensors(file);
  for (auto& [name, tensor] : tensors) {
    tensor = tensor.clone();
    if (name.ends_with("token_embedding.weight")) tensor = at::cat({tensor, at::full({1, tensor.size(1)}, 3.0)});
  }
  save_tensors(file, tensors);
  set("text_encoder/config.json", "vocab_size", 544);
  const auto latents = [&](const std::string& prompt) {
    const auto end = folder_.path() / "end.safetensors";
    const Finished finished = sample("ddim", {"--save-latents", end, "--force"}, prompt);
    EXPECT_EQ(finished.code, 0) << finished.err;
    return load_tensors(end).at("latents").clone();
  };
  const Tensor letters = latents("a <cat-toy>");
  folder_.write("checkpoint/tokenizer/added_tokens.json", "{\"<cat-toy>\": 543}");
  EXPECT_GT((latents("a <cat-toy>") - letters).abs().max().item<float>(), 0.1);
}

TEST(Sample, WritesCaptionsBesideItsImages) {
  const TemporaryFolder folder;
  const auto captions = folder.write("captions.txt", "a\n\nb \"c\"\n");
  const Finished finished =
      run_program("fewstep", {"sample", "--checkpoint", checkpoint("lcm"), "--sampler", "lcm", "--steps", "1",
                              "--prompts", captions, "--omega", "0", "-o", folder.path() / "out", "--device", "cpu"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(read_file(folder.path() / "out/captions.csv"),
            "file,text,row,cell\n\"00000.png\",\"a\",0,\"checkpoint=lcm sampler=lcm steps=1 omega=0\"\n"
            "\"00001.png\",\"b \"\"c\"\"\",2,\"checkpoint=lcm sampler=lcm steps=1 omega=0\"\n");
  EXPECT_THAT(finished.err, HasSubstr("captions.txt: 2 captions, the first: \"a\"; 1 empty ones are left out"));
}

class SampleFolder : public testing::Test {
 protected:
  Finished sample(const std::vector<std::string>& prompts, const std::vector<std::string>& options = {}) const {
    std::string text;
    for (const std::string& prompt : prompts) text += prompt + "\n";
    std::vector<std::string> arguments{"sample",
                                       "--checkpoint",
                                       checkpoint("lcm"),
                                       "--sampler",
                                       "lcm",
                                       "--steps",
                                       "1",
                                       "--omega",
                                       "3",
                                       "--prompts",
                                       folder_.write("prompts.txt", text),
                                       "-o",
                                       out(),
                                       "--device",
                                       "cpu"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return run_program("fewstep", arguments);
  }
  std::filesystem::path out() const { return folder_.path() / "out"; }

  TemporaryFolder folder_;
};

TEST_F(SampleFolder, IsRefusedWhereAnImageWouldBeWrittenOver) {
  ASSERT_EQ(sample({"a", "b"}).code, 0);
  const std::string before = read_file(out() / "00000.png");
  const Finished again = sample({"red", "blue"});
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.err, testing::HasSubstr("00000.png] would be written over; choose another place, or --force"));
  EXPECT_EQ(read_file(out() / "00000.png"), before);
  EXPECT_EQ(sample({"red", "blue"}, {"--force"}).code, 0);
  EXPECT_NE(read_file(out() / "00000.png"), before);
}

TEST_F(SampleFolder, IsRefusedWhereNumberedImagesOfAnotherRunLie) {
  std::filesystem::create_directories(out());
  write_png(out() / "00007.png", Image{8, 8, std::vector<std::uint8_t>(192)});
  const Finished finished = sample({"a"});
  EXPECT_EQ(finished.code, 2);
  EXPECT_THAT(finished.err, testing::HasSubstr("00007.png] is a numbered image of another run"));
}

TEST_F(SampleFolder, TakesOneThatHoldsOtherThings) {
  std::filesystem::create_directories(out());
  write_png(out() / "cover.png", Image{8, 8, std::vector<std::uint8_t>(192)});
  folder_.write("out/notes.txt", "mine");
  EXPECT_EQ(sample({"a"}).code, 0);
  const Finished latents = sample({"a"}, {"--save-latents", folder_.write("end.safetensors", "x")});
  EXPECT_EQ(latents.code, 2);
  EXPECT_THAT(latents.err, testing::HasSubstr("end.safetensors] is there already"));
}

}  // namespace
}  // namespace fewstep
