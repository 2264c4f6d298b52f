#include "checkpoints/unwritten_weights.h"

#include "formats/safetensors.h"
#include "temporary.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

using testing::HasSubstr;

// A checkpoint's weights with one tensor of that name and shape in the UNet, zero but for its last byte.
std::string found(const std::string& name, const std::vector<std::int64_t>& shape, int last = 0) {
  const TemporaryFolder folder;
  std::int64_t numbers = 1;
  for (const std::int64_t size : shape) numbers *= size;
  std::vector<std::byte> bytes(static_cast<std::size_t>(numbers) * 4);
  const std::vector<std::byte> ones(64, std::byte{1});
  if (!bytes.empty()) bytes.back() = static_cast<std::byte>(last);
  for (const char* network : {"text_encoder", "unet", "vae"})
    std::filesystem::create_directory(folder.path() / network);
  folder.write("model_index.json", R"({"_class_name": "StableDiffusionPipeline"})");
  const TensorView good{DType::kF32, {4, 4}, ones};
  write_safetensors(folder.path() / "text_encoder/model.safetensors", {{"w", good}});
  write_safetensors(folder.path() / "vae/diffusion_pytorch_model.safetensors", {{"w", good}});
  write_safetensors(folder.path() / "unet/diffusion_pytorch_model.safetensors",
                    {{"a", good}, {name, {DType::kF32, shape, bytes}}});
  return unwritten_weights(folder.path());
}

TEST(UnwrittenWeights, AreMatricesOfZeros) {
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{8, 8}, {8, 4, 3, 3}, {1, 8}}) {
    EXPECT_THAT(found("conv_in.weight", shape), HasSubstr("conv_in.weight is all zeros"));
    EXPECT_EQ(found("conv_in.weight", shape, 1), "");
  }
}

TEST(UnwrittenWeights, AreNotWhatBeginsAsZeros) {
  for (const char* name : {"time_embedding.cond_proj.weight", "attn.to_q.lora_up.weight", "attn.to_q.lora_B.weight",
                           "attn.processor.to_q_lora.up.weight"})
    EXPECT_EQ(found(name, {8, 4}), "") << name;
  EXPECT_EQ(found("conv_in.bias", {8}), "") << "a vector";
  EXPECT_EQ(found("conv_in.weight", {0, 8}), "") << "nothing to write";
}

}  // namespace
}  // namespace fewstep
