#pragma once
#include "models/clip.h"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <string>

namespace fewstep {

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
