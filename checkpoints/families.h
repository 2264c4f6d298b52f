#pragma once
#include <array>
#include <span>
#include <string_view>

namespace fewstep {

// A network of a checkpoint.
struct NetworkPart {
  std::string_view folder;      // and its name in model_index.json
  std::string_view class_name;  // that model_index.json says
  std::string_view weights;     // the stem of its file
  std::string_view key, value;  // that its config.json says
};

// An architecture as everything but its networks knows it; checkpoints/checkpoint.cpp holds the functions that load it.
// No LibTorch.
struct FamilyInfo {
  std::string_view name;
  std::span<const std::string_view> pipelines;  // _class_name in model_index.json; the first two: plain, and of an LCM
  std::span<const NetworkPart> networks;
  std::span<const std::string_view> tokenizers;  // folders
};

inline constexpr std::array<std::string_view, 2> kSdPipelines{"StableDiffusionPipeline",
                                                              "LatentConsistencyModelPipeline"};
inline constexpr std::array<NetworkPart, 3> kSdNetworks{
    {{"text_encoder", "CLIPTextModel", "model", "model_type", "clip_text_model"},
     {"unet", "UNet2DConditionModel", "diffusion_pytorch_model", "_class_name", "UNet2DConditionModel"},
     {"vae", "AutoencoderKL", "diffusion_pytorch_model", "_class_name", "AutoencoderKL"}}};
inline constexpr std::array<std::string_view, 1> kSdTokenizers{"tokenizer"};

inline constexpr std::array<FamilyInfo, 1> kFamilies{{{"sd", kSdPipelines, kSdNetworks, kSdTokenizers}}};

}  // namespace fewstep
