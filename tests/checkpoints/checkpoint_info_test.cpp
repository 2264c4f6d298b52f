#include "checkpoints/checkpoint_info.h"

#include "checkpoints/checkpoint.h"
#include "core/error.h"
#include "core/files.h"
#include "formats/json.h"
#include "models/checkpoint_files.h"
#include "temporary.h"
#include "warnings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <random>
#include <set>
#include <tuple>

namespace fewstep {
namespace {

using nlohmann::json;
using std::string;
using testing::HasSubstr;
namespace fs = std::filesystem;
using Kind = CheckpointKind;

const fs::path kCheckpoints = fs::path(FEWSTEP_TEST_DATA) / "checkpoints";

// A copy of a golden checkpoint that a test may break.
class Copy {
 public:
  explicit Copy(const string& name) { fs::copy(kCheckpoints / name, folder_.path(), fs::copy_options::recursive); }
  fs::path path() const { return folder_.path(); }
  void write(const string& file, std::string_view content) const { folder_.write(file, content); }
  void set(const string& file, const string& key, const json& value) const {
    json content = read_json_object(path() / file);
    content[key] = value;
    write(file, content.dump());
  }
  void erase(const string& file, const string& key) const {
    json content = read_json_object(path() / file);
    content.erase(key);
    write(file, content.dump());
  }

 private:
  TemporaryFolder folder_;
};

const string kScheduler = "scheduler/scheduler_config.json", kIndex = "model_index.json";

void expect_refused(const Copy& copy, const string& text) {
  EXPECT_FEWSTEP_ERROR(inspect_checkpoint(copy.path(), false), ExitCode::kInput, text);
}

TEST(CheckpointInfo, TellsTeachersConsistencyModelsAndGuidedStudentsApart) {
  const auto kind = [](const string& name) { return inspect_checkpoint(kCheckpoints / name, false).kind; };
  EXPECT_EQ(kind("sd15"), Kind::kTeacher);
  EXPECT_EQ(kind("sd21-v"), Kind::kTeacher);
  EXPECT_EQ(kind("lcm"), Kind::kConsistency);
  EXPECT_EQ(kind("lcm-lora"), Kind::kConsistency);
  EXPECT_EQ(kind("guided-distill"), Kind::kGuidedDistill);
  EXPECT_EQ(name_of(Kind::kGuidedDistill), "guided-distill");
}

TEST(CheckpointInfo, ReadsScheduleAndPrediction) {
  const auto lcm = inspect_checkpoint(kCheckpoints / "lcm", false);
  EXPECT_TRUE(lcm.omega_embedding);
  EXPECT_EQ(lcm.prediction, Prediction::kEpsilon);
  EXPECT_EQ(lcm.beta_schedule, "scaled_linear");
  EXPECT_EQ(lcm.beta_start, 0.00085);
  EXPECT_EQ(lcm.beta_end, 0.012);
  EXPECT_EQ(lcm.num_train_timesteps, 1000);
  EXPECT_EQ(lcm.timestep_scaling, 10.0);
  EXPECT_EQ(lcm.original_inference_steps, 50);
  EXPECT_EQ(lcm.hash, "");
  const auto sd21 = inspect_checkpoint(kCheckpoints / "sd21-v", false);
  EXPECT_EQ(sd21.prediction, Prediction::kV);
  EXPECT_FALSE(sd21.omega_embedding);
  EXPECT_EQ(sd21.steps_offset, 1);
  EXPECT_FALSE(inspect_checkpoint(kCheckpoints / "lcm-lora", false).omega_embedding);
}

TEST(CheckpointInfo, ReadsTheSchedulerFileThatSd15WasPublishedWith) {
  const Copy copy("sd15");
  copy.write(kScheduler, R"({"_class_name":"PNDMScheduler","_diffusers_version":"0.6.0","beta_end":0.012,
    "beta_schedule":"scaled_linear","beta_start":0.00085,"num_train_timesteps":1000,"set_alpha_to_one":false,
    "skip_prk_steps":true,"steps_offset":1,"trained_betas":null,"clip_sample":false})");
  const auto info = inspect_checkpoint(copy.path(), false);
  EXPECT_EQ(info.prediction, Prediction::kEpsilon);
  EXPECT_EQ(info.steps_offset, 1);
}

TEST(CheckpointInfo, HashIsThatOfTheLinesOfSha256sum) {
  const auto folder = kCheckpoints / "lcm";
  string lines;
  const auto files = checkpoint_files(folder);
  EXPECT_EQ(files.size(), 12u);
  EXPECT_TRUE(std::is_sorted(files.begin(), files.end()));
  for (const auto& file : files) lines += sha256_file(folder / file) + "  " + file.string() + "\n";
  EXPECT_EQ(inspect_checkpoint(folder).hash, sha256(lines));
}

TEST(CheckpointInfo, HashChangesWithEveryFileAndWithNothingElse) {
  const Copy copy("sd15");
  const string before = inspect_checkpoint(copy.path()).hash;
  EXPECT_EQ(before, inspect_checkpoint(kCheckpoints / "sd15").hash);
  copy.write("README.md", "unrelated");
  EXPECT_EQ(inspect_checkpoint(copy.path()).hash, before);
  for (const auto& file : checkpoint_files(copy.path())) {
    if (file.extension() == ".safetensors") continue;
    const string content = read_file(copy.path() / file);
    copy.write(file.string(), content + "\n");
    EXPECT_NE(inspect_checkpoint(copy.path()).hash, before) << file;
    copy.write(file.string(), content);
  }
  const fs::path weights = "unet/diffusion_pytorch_model.safetensors";
  string bytes = read_file(copy.path() / weights);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  copy.write(weights.string(), bytes);
  EXPECT_NE(inspect_checkpoint(copy.path()).hash, before);
}

TEST(CheckpointInfo, HashesTheShardsOfAnIndex) {
  const Copy copy("sd15");
  fs::rename(copy.path() / "unet/diffusion_pytorch_model.safetensors", copy.path() / "unet/part-1.safetensors");
  copy.write("unet/diffusion_pytorch_model.safetensors.index.json", R"({"weight_map":{"a":"part-1.safetensors"}})");
  EXPECT_THAT(checkpoint_files(copy.path()), testing::Contains(fs::path("unet/part-1.safetensors")));
  fs::remove(copy.path() / "unet/part-1.safetensors");
  expect_refused(copy, "unet/part-1.safetensors] expected a file of the checkpoint, got none");
}

TEST(CheckpointInfo, ExplainsAFolderThatIsNoCheckpoint) {
  const TemporaryFolder folder;
  const auto refused = [](const fs::path& path, const string& text) {
    EXPECT_FEWSTEP_ERROR(inspect_checkpoint(path), ExitCode::kInput, text);
  };
  refused(folder.path() / "none", "got nothing there");
  refused(folder.path(), "got no model_index.json");
  refused(kCheckpoints / "lcm" / "unet", "got one network of a checkpoint; give the folder above it");
  refused(folder.write("v1-5.safetensors", ""), "from_single_file");
  refused(folder.write("v1-5.ckpt", ""), "from_single_file");
  folder.write("pytorch_lora_weights.safetensors", "");
  refused(folder.path(), "a LoRA alone; merge it");
}

TEST(CheckpointInfo, NamesMissingFilesAndConvertsPickles) {
  for (const char* file :
       {"scheduler/scheduler_config.json", "unet/config.json", "vae/config.json", "text_encoder/config.json"}) {
    const Copy copy("sd15");
    fs::remove(copy.path() / file);
    expect_refused(copy, file);
  }
  const Copy copy("sd15");
  fs::remove(copy.path() / "unet/diffusion_pytorch_model.safetensors");
  expect_refused(copy, "expected diffusion_pytorch_model.safetensors");
  copy.write("unet/diffusion_pytorch_model.bin", "PK\x03\x04");
  expect_refused(copy, "got a pickle, which can run code and is never read; convert it");
}

TEST(CheckpointInfo, RefusesUnsupportedPipelinesAndPartsByName) {
  const auto refused = [](const string& key, const json& value, const string& text) {
    SCOPED_TRACE(key);
    const Copy copy("sd15");
    copy.set(kIndex, key, value);
    expect_refused(copy, text);
  };
  refused("_class_name", "StableDiffusionXLPipeline", "got \"StableDiffusionXLPipeline\"");
  refused("_class_name", 3, "got no _class_name");
  refused("text_encoder_2", {"transformers", "CLIPTextModelWithProjection"}, "expected no part \"text_encoder_2\"");
  refused("unet", {"diffusers", "FluxTransformer2DModel"}, "expected unet UNet2DConditionModel, got \"Flux");
  refused("unet", {nullptr, nullptr}, "expected unet UNet2DConditionModel, got none");
  refused("vae", {"diffusers", "AutoencoderTiny"}, "expected vae AutoencoderKL, got \"AutoencoderTiny\"");
  refused("tokenizer", {"transformers", "T5Tokenizer"}, "expected tokenizer CLIPTokenizer, got \"T5Tokenizer\"");
  refused("scheduler", {nullptr, nullptr}, "expected a scheduler, got none");
  refused("unet", "UNet2DConditionModel", "expected [library, class] for \"unet\"");
  refused("unet", {1, 2}, "expected [library, class] for \"unet\"");
  const Copy copy("sd15");
  copy.set(kIndex, "image_encoder", {nullptr, nullptr});
  copy.set(kIndex, "safety_checker", {"stable_diffusion", "StableDiffusionSafetyChecker"});
  copy.set(kIndex, "tokenizer", {"transformers", "CLIPTokenizerFast"});
  EXPECT_NO_THROW(inspect_checkpoint(copy.path(), false));
}

// What people really have, and what the message tells them to do.
TEST(CheckpointInfo, NamesTheRemedyOfKnownMistakes) {
  const auto refused = [](const json& index, const string& text) {
    const TemporaryFolder folder;
    folder.write("model_index.json", index.dump());
    EXPECT_FEWSTEP_ERROR(inspect_checkpoint(folder.path(), false), ExitCode::kInput, text);
  };
  refused({{"_class_name", "StableDiffusionXLPipeline"},
           {"text_encoder", {"transformers", "CLIPTextModel"}},
           {"text_encoder_2", {"transformers", "CLIPTextModelWithProjection"}}},
          "StableDiffusionXLPipeline belongs to another architecture (SDXL and later)");
  refused({{"_class_name", "KolorsPipeline"}, {"text_encoder_2", {"kolors", "ChatGLMModel"}}},
          "belongs to another architecture");
  refused({{"_class_name", "FluxPipeline"}, {"transformer", {"diffusers", "FluxTransformer2DModel"}}},
          "FluxPipeline runs a transformer in place of a UNet");
  EXPECT_FEWSTEP_ERROR(inspect_checkpoint("SimianLuo/LCM_Dreamshaper_v7", false), ExitCode::kInput,
                       "hf download SimianLuo/LCM_Dreamshaper_v7 --local-dir LCM_Dreamshaper_v7");
  const TemporaryFolder folder;
  const fs::path lora = folder.write("my-lora/pytorch_lora_weights.safetensors", "");
  for (const fs::path& given : {lora, lora.parent_path()})
    EXPECT_FEWSTEP_ERROR(
        inspect_checkpoint(given, false), ExitCode::kInput,
        "a LoRA alone; merge it into its base model with diffusers, and save that: load_lora_weights('" +
            lora.parent_path().string() + "'), fuse_lora(), unload_lora_weights()");
}

TEST(CheckpointInfo, TakesTheWeightsThatTheLibraryTakesWhereTheyAreThereTwice) {
  const Copy copy("sd15");
  const Warnings warnings;
  copy.write("unet/diffusion_pytorch_model.safetensors.index.json", R"({"weight_map":{"a":"part-1.safetensors"}})");
  copy.write("text_encoder/model.safetensors.index.json", R"({"weight_map":{"a":"part-1.safetensors"}})");
  EXPECT_EQ(find_weights(copy.path() / "unet", "diffusion_pytorch_model").filename(),
            "diffusion_pytorch_model.safetensors.index.json");
  EXPECT_EQ(find_weights(copy.path() / "text_encoder", "model").filename(), "model.safetensors");
  EXPECT_THAT(warnings.text(), HasSubstr("the shards are taken, as diffusers does"));
  EXPECT_THAT(warnings.text(), HasSubstr("the whole file is taken, as Transformers does"));
}

TEST(CheckpointInfo, SaysOfQuantisedNetworksThatTheyAreQuantised) {
  for (const std::string network : {"unet", "vae", "text_encoder"}) {
    const Copy copy("sd15");
    copy.set(network + "/config.json", "quantization_config",
             {{"load_in_8bit", true}, {"quant_method", "bitsandbytes"}});
    EXPECT_FEWSTEP_ERROR(load_checkpoint(copy.path(), {}, false), ExitCode::kInput, "the weights are quantised");
  }
}

TEST(CheckpointInfo, HashesTheFilesThatDecideTokensAndNoOther) {
  const Copy copy("sd15");
  const auto hash = [&] { return inspect_checkpoint(copy.path()).hash; };
  const string before = hash();
  copy.write("tokenizer/added_tokens.json", R"({"<cat-toy>": 543})");
  const string learned = hash();
  EXPECT_NE(learned, before);
  copy.set("tokenizer/tokenizer_config.json", "added_tokens_decoder",
           {{"541", {{"content", "<|startoftext|>"}}}, {"542", {{"content", "<|endoftext|>"}}}});
  const string decoder = hash();
  copy.write("tokenizer/added_tokens.json", R"({"<cat-toy>": 543, "<dog>": 544})");  // not read any more
  fs::remove(copy.path() / "tokenizer/special_tokens_map.json");
  EXPECT_EQ(hash(), decoder);
}

TEST(CheckpointInfo, RefusesNetworksOfAnotherClass) {
  const auto refused = [](const string& file, const string& key, const json& value, const string& text) {
    const Copy copy("sd15");
    copy.set(file, key, value);
    expect_refused(copy, text);
  };
  refused("unet/config.json", "_class_name", "UNet2DModel", "expected _class_name UNet2DConditionModel");
  refused("vae/config.json", "_class_name", "VQModel", "expected _class_name AutoencoderKL, got \"VQModel\"");
  refused("text_encoder/config.json", "model_type", "t5", "expected model_type clip_text_model, got \"t5\"");
}

TEST(CheckpointInfo, RefusesUnsupportedSchedulerValuesByName) {
  const auto refused = [](const string& key, const json& value, const string& text) {
    SCOPED_TRACE(key);
    const Copy copy("sd15");
    copy.set(kScheduler, key, value);
    expect_refused(copy, text);
  };
  refused("trained_betas", {0.1, 0.2}, "for \"trained_betas\"");
  refused("thresholding", true, "for \"thresholding\"");
  refused("use_flow_sigmas", true, "for \"use_flow_sigmas\"");
  refused("variance_type", "learned_range", "for \"variance_type\"");
  refused("prediction_type", "flow_prediction",
          "expected prediction_type epsilon, v_prediction or sample, got \"flow_");
  refused("beta_schedule", "sigmoid", "got \"sigmoid\"");
  refused("beta_start", 0, "expected 0 < beta_start <= beta_end < 1");
  refused("beta_end", 1.5, "expected 0 < beta_start <= beta_end < 1");
  refused("beta_start", "small", "expected a number for \"beta_start\"");
  refused("num_train_timesteps", 1, "expected num_train_timesteps from 2");
  refused("num_train_timesteps", 10.5, "expected num_train_timesteps from 2");
  refused("steps_offset", -1, "expected steps_offset from 0");
  refused("steps_offset", 1000, "expected steps_offset from 0 to 999");
  const Copy lcm("lcm");
  lcm.set(kScheduler, "timestep_scaling", 0);
  expect_refused(lcm, "timestep_scaling above 0");
}

void set_class(const Copy& copy, const string& name) { copy.set(kIndex, "scheduler", {"diffusers", name}); }

TEST(CheckpointInfo, RefusesSchedulersOfOtherProcesses) {
  const auto refused = [](const string& name, const string& text) {
    const Copy copy("sd15");
    set_class(copy, name);
    expect_refused(copy, text);
  };
  refused("FlowMatchEulerDiscreteScheduler",
          "model_index.json] expected a scheduler over the discrete noise schedule of "
          "Stable Diffusion, got FlowMatchEulerDiscreteScheduler");
  refused("DDIMSchedular", "did you mean \"DDIMScheduler\"");
}

TEST(CheckpointInfo, TellsWhichChoicesOfDpmSolverItDoesNotTake) {
  const Copy copy("sd15");
  set_class(copy, "DPMSolverMultistepScheduler");
  copy.set(kScheduler, "_class_name", "DPMSolverMultistepScheduler");
  copy.set(kScheduler, "use_karras_sigmas", true);
  copy.set(kScheduler, "algorithm_type", "sde-dpmsolver++");
  copy.set(kScheduler, "timestep_spacing", "linspace");
  const Warnings warnings;
  EXPECT_EQ(inspect_checkpoint(copy.path(), false).kind, Kind::kTeacher);
  EXPECT_THAT(warnings.text(),
              HasSubstr("not taken: use_karras_sigmas = true, algorithm_type = \"sde-dpmsolver++\"; dpm and "
                        "dpm++ are the second-order midpoint solvers"));
}

// The class stands in two files; diffusers makes that of model_index.json.
TEST(CheckpointInfo, GoesByTheSchedulerOfTheIndexAndSaysSo) {
  for (const auto& [index, file, kind] : {std::tuple("LCMScheduler", "PNDMScheduler", Kind::kConsistency),
                                          std::tuple("PNDMScheduler", "LCMScheduler", Kind::kTeacher),
                                          std::tuple("TCDScheduler", "DDIMScheduler", Kind::kTeacher)}) {
    const Copy copy("lcm-lora");
    set_class(copy, index);
    copy.set(kScheduler, "_class_name", file);
    const Warnings warnings;
    EXPECT_EQ(inspect_checkpoint(copy.path(), false).kind, kind);
    EXPECT_THAT(warnings.text(),
                HasSubstr("model_index.json says " + string(index) + ", scheduler/scheduler_config.json says " + file +
                          "; model_index.json decides"));
  }
}

// StableDiffusionPipeline.__init__ sets steps_offset to 1 and clip_sample to false; the LCM pipeline does not.
TEST(CheckpointInfo, IsCorrectedAsThePipelineCorrectsItOnLoading) {
  const auto corrected = [](const Copy& copy) { return inspect_checkpoint(copy.path(), false).corrected; };
  const Copy copy("sd15");
  EXPECT_THAT(corrected(copy), testing::IsEmpty());
  copy.set(kScheduler, "clip_sample", true);
  copy.set(kScheduler, "steps_offset", 0);
  EXPECT_THAT(corrected(copy), testing::ElementsAre("steps_offset 0 -> 1", "clip_sample true -> false"));
  EXPECT_EQ(inspect_checkpoint(copy.path(), false).steps_offset, 1);
  copy.erase(kScheduler, "clip_sample");  // true is DDIMScheduler's default, 0 that of steps_offset
  copy.erase(kScheduler, "steps_offset");
  EXPECT_THAT(corrected(copy), testing::SizeIs(2));
  copy.set(kIndex, "_class_name", "LatentConsistencyModelPipeline");
  copy.set(kScheduler, "clip_sample", false);
  EXPECT_THAT(corrected(copy), testing::IsEmpty());
  EXPECT_EQ(inspect_checkpoint(copy.path(), false).steps_offset, 0);
  copy.set(kScheduler, "clip_sample", true);
  expect_refused(copy, "for \"clip_sample\", got true; set \"clip_sample\" to false in that file");
}

TEST(CheckpointInfo, HasTheDefaultsOfTheClassForWhatASchedulerLeavesOut) {
  const Copy teacher("sd15"), student("lcm");
  for (const Copy* copy : {&teacher, &student})
    for (const char* key :
         {"beta_schedule", "beta_start", "beta_end", "num_train_timesteps", "original_inference_steps"})
      copy->erase(kScheduler, key);
  const CheckpointInfo ddim = inspect_checkpoint(teacher.path(), false),
                       lcm = inspect_checkpoint(student.path(), false);
  EXPECT_EQ(ddim.beta_schedule, "linear");
  EXPECT_EQ(ddim.beta_start, 0.0001);
  EXPECT_EQ(ddim.beta_end, 0.02);
  EXPECT_EQ(lcm.beta_schedule, "scaled_linear");
  EXPECT_EQ(lcm.beta_start, 0.00085);
  EXPECT_EQ(lcm.original_inference_steps, 50);
}

TEST(CheckpointInfo, IgnoresKeysThatNoSchedulerInQuestionKnowsWithOneWarning) {
  const Copy copy("lcm");
  copy.set(kScheduler, "a_key_of_tomorrow", 1);
  copy.set(kScheduler, "use_karras_sigmas", true);  // of other schedulers, and known to change nothing
  copy.set(kScheduler, "skip_prk_steps", false);
  const Warnings warnings;
  inspect_checkpoint(copy.path(), false);
  EXPECT_THAT(warnings.text(), HasSubstr("knows no such keys: a_key_of_tomorrow\n"));
}

// What every scheduler of diffusers saves, with its defaults and with each other choice: read, or refused for a choice
// that changes the noise schedule or what the network says.
TEST(CheckpointInfo, ReadsOrRefusesEverySchedulerOfDiffusersByEffect) {
  const std::set<string> other_choices{"thresholding=True",
                                       "trained_betas=[0.1, 0.2, 0.3]",
                                       "variance_type=learned",
                                       "variance_type=learned_range",
                                       "use_flow_sigmas=True",
                                       "timestep_type=continuous",
                                       "prediction_type=flow_prediction"};
  const std::set<string> others{"BlockRefinement",
                                "CMStochasticIterative",
                                "CogVideoXDDIM",
                                "CogVideoXDPM",
                                "ConsistencyDecoder",
                                "CosineDPMSolverMultistep",
                                "DDIMInverse",
                                "DDPMWuerstchen",
                                "DPMSolverMultistepInverse",
                                "DiscreteDDIM",
                                "EDMDPMSolverMultistep",
                                "EDMEuler",
                                "EntropyBound",
                                "FlowMapEulerDiscrete",
                                "FlowMatchEulerDiscrete",
                                "FlowMatchHeunDiscrete",
                                "FlowMatchLCM",
                                "HeliosDMD",
                                "Helios",
                                "IPNDM",
                                "KarrasVe",
                                "LTXEulerAncestralRF",
                                "MiniMaxH3",
                                "Piflow",
                                "RePaint",
                                "SCM",
                                "ScoreSdeVe",
                                "ScoreSdeVp",
                                "UnCLIP"};
  const json saved = read_json_object(fs::path(FEWSTEP_TEST_DATA) / "signatures/schedulers.json");
  EXPECT_EQ(saved.size(), 450u) << "remake with: make golden";
  const Copy copy("sd15");
  std::set<string> read_classes;
  const Warnings warnings;
  for (const auto& [name, content] : saved.items()) {
    SCOPED_TRACE(name);
    const string of = name.substr(0, name.find("Scheduler"));
    const string choice = name.find(' ') == string::npos ? "" : name.substr(name.find(' ') + 1);
    set_class(copy, of + "Scheduler");
    copy.write(kScheduler, content.get<string>());
    if (others.contains(of) || other_choices.contains(choice)) {
      expect_refused(copy, others.contains(of) ? of + "Scheduler" : choice.substr(0, choice.find('=')));
      continue;
    }
    const CheckpointInfo info = inspect_checkpoint(copy.path(), false);
    EXPECT_EQ(info.kind, of == "LCM" ? Kind::kConsistency : Kind::kTeacher);
    EXPECT_EQ(info.steps_offset, 1);
    read_classes.insert(of);
  }
  EXPECT_EQ(read_classes.size(), 19u);
}

TEST(CheckpointInfo, RunsTheOtherPipelinesOfStableDiffusionFromTextToImage) {
  for (const char* name :
       {"StableDiffusionImg2ImgPipeline", "StableDiffusionPAGPipeline", "LatentConsistencyModelImg2ImgPipeline"}) {
    const Copy copy("lcm");
    copy.set(kIndex, "_class_name", name);
    const Warnings warnings;
    inspect_checkpoint(copy.path(), false);
    EXPECT_THAT(warnings.text(), HasSubstr("says " + string(name) + "; its parts are run as "));
  }
}

TEST(CheckpointInfo, SurvivesMutatedJson) {
  const Copy copy("lcm");
  std::mt19937_64 random(11);
  const std::vector<string> files{kIndex, kScheduler, "unet/config.json", "vae/config.json",
                                  "text_encoder/config.json"};
  int opened = 0, refused = 0;
  const Warnings warnings;
  for (int i = 0; i < (std::getenv("FEWSTEP_TORTURE") ? 10'000 : 2000); ++i) {
    const string& name = files[random() % files.size()];
    const string original = read_file(kCheckpoints / "lcm" / name);
    string bytes = original;
    if (random() % 4 == 0) bytes.replace(bytes.rfind('}'), 1, R"(, "n": NaN, "i": -Infinity, "s": "NaN"})");
    for (auto changes = random() % 3 + 1; changes > 0; --changes)
      bytes[random() % bytes.size()] = static_cast<char>(random() % 3 ? random() : "{}[]\",:01 \n"[random() % 11]);
    if (random() % 8 == 0) bytes.resize(random() % bytes.size());
    copy.write(name, bytes);
    try {
      inspect_checkpoint(copy.path(), false);
      ++opened;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kInput) << error.what();
      ++refused;
    }
    copy.write(name, original);
  }
  EXPECT_GT(opened, 50);
  EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace fewstep
