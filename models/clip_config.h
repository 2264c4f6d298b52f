#pragma once
#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <string>

namespace fewstep {

struct ClipTowerConfig {
  std::int64_t hidden_size = 768, intermediate_size = 3072, layers = 12, heads = 12, projection_dim = 768;
  std::string hidden_act = "quick_gelu";
  double layer_norm_eps = 1e-5;
  std::int64_t vocab_size = 49408, positions = 77, eos_token_id = 2;  // text
  std::int64_t image_size = 224, patch_size = 32, channels = 3;       // vision
};

// config.json of a text tower: CLIPTextModel or CLIPTextModelWithProjection. Keys that are absent have Transformers'
// defaults; unsupported values are refused by name. Throws Error (kInput).
ClipTowerConfig read_clip_text_config(const std::filesystem::path& config_json);

struct ClipConfigs {
  ClipTowerConfig text, vision;
};
// config.json of CLIPModel, with text_config and vision_config. *_config_dict of old files, where present, stands in
// for *_config, as in Transformers.
ClipConfigs read_clip_config(const std::filesystem::path& config_json);

// The same as Transformers writes them; what the structs do not hold has its default.
nlohmann::json text_config_json(const ClipTowerConfig& config);
nlohmann::json clip_config_json(const ClipTowerConfig& text, const ClipTowerConfig& vision);

}  // namespace fewstep
