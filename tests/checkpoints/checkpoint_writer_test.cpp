#include "checkpoints/checkpoint_writer.h"
#include "checkpoints/scheduler_config.h"
#include "models/clip_config.h"

#include "checkpoints/checkpoint.h"
#include "checkpoints/sd.h"
#include "core/error.h"
#include "core/files.h"
#include "formats/json.h"
#include "models/weights.h"
#include "temporary.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace fewstep {
namespace {

using std::string;
namespace fs = std::filesystem;

const fs::path kCheckpoints = fs::path(FEWSTEP_TEST_DATA) / "checkpoints";

// A golden checkpoint, read into memory as a trainer has it.
CheckpointContent content_of(const string& name) {
  const fs::path from = kCheckpoints / name;
  const auto network = [&](const string& part, const string& stem) {
    return NetworkContent{read_json_object(from / part / "config.json"),
                          load_tensors(from / part / (stem + ".safetensors"))};
  };
  CheckpointContent content;
  content.unet = network("unet", "diffusion_pytorch_model");
  content.vae = network("vae", "diffusion_pytorch_model");
  content.text_encoder = network("text_encoder", "model");
  content.scheduler = read_json_object(from / "scheduler/scheduler_config.json");
  content.tokenizer = from / "tokenizer";
  return content;
}

void expect_equal_tensors(const fs::path& a, const fs::path& b) {
  const auto left = load_tensors(a), right = load_tensors(b);
  ASSERT_EQ(left.size(), right.size());
  for (const auto& [name, tensor] : left) EXPECT_TRUE(at::equal(tensor, right.at(name))) << name;
}

TEST(CheckpointWriter, WritesWhatTheLoaderReadsBackUnchanged) {
  for (const string name : {"sd15", "sd21-v", "lcm", "lcm-lora", "guided-distill"}) {
    const TemporaryFolder folder;
    const fs::path path = folder.path() / "written";
    write_checkpoint(path, content_of(name));
    for (const char* file : {"unet/diffusion_pytorch_model.safetensors", "vae/diffusion_pytorch_model.safetensors",
                             "text_encoder/model.safetensors"})
      expect_equal_tensors(path / file, kCheckpoints / name / file);
    const auto before = load_checkpoint(kCheckpoints / name, {}), after = load_checkpoint(path, {});
    EXPECT_EQ(after.info.kind, before.info.kind);
    EXPECT_EQ(after.info.prediction, before.info.prediction);
    EXPECT_EQ(after.pipeline.tokenizers.at(0).encode("a red circle!"),
              before.pipeline.tokenizers.at(0).encode("a red circle!"));
    EXPECT_EQ(read_json_object(path / "model_index.json")["_class_name"],
              read_json_object(kCheckpoints / name / "model_index.json")["_class_name"]);
  }
}

TEST(CheckpointWriter, CopiesNetworksThatDidNotChange) {
  const TemporaryFolder folder;
  auto content = content_of("lcm");
  content.vae = kCheckpoints / "lcm" / "vae";
  content.text_encoder = kCheckpoints / "lcm" / "text_encoder";
  content.provenance = {{"recipe", "lcd.toml"}, {"parents", {"abc"}}};
  write_checkpoint(folder.path() / "written", content);
  for (const char* file :
       {"vae/config.json", "vae/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"})
    EXPECT_EQ(read_file(folder.path() / "written" / file), read_file(kCheckpoints / "lcm" / file)) << file;
  EXPECT_EQ(read_json_object(folder.path() / "written/fewstep.json"), content.provenance);
  EXPECT_NO_THROW(load_checkpoint(folder.path() / "written", {}));
}

TEST(CheckpointWriter, CopiesEveryShardOfANetwork) {
  const TemporaryFolder folder;
  const fs::path vae = folder.path() / "sharded";
  fs::copy(kCheckpoints / "lcm" / "vae", vae);
  auto tensors = load_tensors(vae / "diffusion_pytorch_model.safetensors");
  fs::remove(vae / "diffusion_pytorch_model.safetensors");
  nlohmann::json map;
  const auto one = *tensors.begin();
  tensors.erase(one.first);
  save_tensors(vae / "a.safetensors", {one});
  save_tensors(vae / "b.safetensors", tensors);
  map[one.first] = "a.safetensors";
  for (const auto& [name, tensor] : tensors) map[name] = "b.safetensors";
  write_file_atomically(vae / "diffusion_pytorch_model.safetensors.index.json",
                        nlohmann::json{{"weight_map", map}}.dump());
  auto content = content_of("lcm");
  content.vae = vae;
  write_checkpoint(folder.path() / "written", content);
  EXPECT_TRUE(fs::exists(folder.path() / "written/vae/a.safetensors"));
  EXPECT_NO_THROW(load_checkpoint(folder.path() / "written", {}));
}

TEST(CheckpointWriter, ConvertsToTheAskedDtype) {
  const TemporaryFolder folder;
  auto content = content_of("sd15");
  content.dtype = at::kHalf;
  write_checkpoint(folder.path() / "half", content);
  for (const auto& [name, tensor] : load_tensors(folder.path() / "half/unet/diffusion_pytorch_model.safetensors"))
    EXPECT_EQ(tensor.scalar_type(), at::kHalf) << name;
}

TEST(CheckpointWriter, MakesConfigurationsThatReadBackAsTheyWere) {
  const TemporaryFolder folder;
  for (const string name : {"sd15", "sd21-v", "lcm"}) {
    const auto networks = load_sd_networks(kCheckpoints / name, {});
    const CheckpointInfo info = inspect_checkpoint(kCheckpoints / name, false);
    auto content = content_of(name);
    std::get<NetworkContent>(content.unet).config = config_json(networks.unet.config);
    std::get<NetworkContent>(content.vae).config = config_json(networks.vae.config);
    std::get<NetworkContent>(content.text_encoder).config = text_config_json(networks.text.config);
    content.scheduler = scheduler_json(info);
    write_checkpoint(folder.path() / name, content);
    const auto again = load_sd_networks(folder.path() / name, {});
    EXPECT_EQ(config_json(again.unet.config), config_json(networks.unet.config));
    EXPECT_EQ(config_json(again.vae.config), config_json(networks.vae.config));
    EXPECT_EQ(text_config_json(again.text.config), text_config_json(networks.text.config));
    EXPECT_EQ(scheduler_json(inspect_checkpoint(folder.path() / name, false)), scheduler_json(info));
    const std::vector<string> prompts{"a red circle"};
    EXPECT_TRUE(at::equal(load_sd(folder.path() / name, {}).encode(prompts).states,
                          load_sd(kCheckpoints / name, {}).encode(prompts).states));
  }
}

std::vector<string> names_in(const fs::path& folder) {
  std::vector<string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

TEST(CheckpointWriter, LeavesNothingBehindWhenItFails) {
  const TemporaryFolder folder;
  auto content = content_of("lcm");
  content.vae = folder.path() / "no-such-vae";
  EXPECT_THROW(write_checkpoint(folder.path() / "written", content), Error);
  content = content_of("lcm");
  content.scheduler["_class_name"] = "NoScheduler";
  EXPECT_FEWSTEP_ERROR(write_checkpoint(folder.path() / "written", content), ExitCode::kInput, "NoScheduler");
  content = content_of("lcm");
  std::get<NetworkContent>(content.unet).tensors["c"] = at::zeros({1}, at::kComplexFloat);
  EXPECT_FEWSTEP_ERROR(write_checkpoint(folder.path() / "written", content), ExitCode::kInput, "ComplexFloat");
  EXPECT_THAT(names_in(folder.path()), testing::IsEmpty());
  EXPECT_FEWSTEP_ERROR(write_checkpoint(folder.path() / "none/written", content_of("lcm")), ExitCode::kEnvironment,
                       "cannot be written: No such file or directory");
}

TEST(CheckpointWriter, ReplacesAnExistingFolderOnlyWhenAsked) {
  const TemporaryFolder folder;
  const fs::path path = folder.path() / "written";
  write_checkpoint(path, content_of("lcm"));
  const string before = inspect_checkpoint(path).hash;
  EXPECT_FEWSTEP_ERROR(write_checkpoint(path, content_of("sd15")), ExitCode::kEnvironment, "got one that exists");
  EXPECT_EQ(inspect_checkpoint(path).hash, before);
  write_checkpoint(path, content_of("sd15"), true);
  EXPECT_EQ(inspect_checkpoint(path).kind, CheckpointKind::kTeacher);
  auto broken = content_of("lcm");
  broken.tokenizer = folder.path() / "none";
  broken.scheduler["trained_betas"] = {1};
  EXPECT_THROW(write_checkpoint(path, broken, true), Error);
  EXPECT_EQ(inspect_checkpoint(path).kind, CheckpointKind::kTeacher);
  EXPECT_THAT(names_in(folder.path()), testing::ElementsAre("written"));
}

}  // namespace
}  // namespace fewstep
