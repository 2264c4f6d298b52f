#pragma once
#include "core/tensor.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <variant>

namespace fewstep {

// A network to write: config.json and tensors under the library's names.
struct NetworkContent {
  nlohmann::json config;
  std::map<std::string, Tensor> tensors;
};
// Or the folder of an existing one, copied as it is.
using NetworkSource = std::variant<NetworkContent, std::filesystem::path>;

struct CheckpointContent {
  NetworkSource unet, vae, text_encoder;
  nlohmann::json scheduler;             // scheduler_config.json with its _class_name
  std::filesystem::path tokenizer;      // folder whose tokenizer files are copied
  std::optional<at::ScalarType> dtype;  // of the tensors given; absent: as they are
  nlohmann::json provenance;            // fewstep.json: recipe, parents' hashes; absent when null
};

// Writes a folder in diffusers layout that diffusers loads, whole or not at all (a temporary folder beside it, synced,
// renamed). An existing folder is an error unless replace, which exchanges the two in one step. What is written must
// pass inspect_checkpoint. Throws Error: kInput for content that does not, kEnvironment when the disk refuses.
void write_checkpoint(const std::filesystem::path& folder, const CheckpointContent& content, bool replace = false);

// One network's folder, config.json and STEM.safetensors, in the same way; an existing one is replaced. tokenizer, when
// not empty: its files beside the network (a CLIPModel). provenance as above.
void write_network_folder(const std::filesystem::path& folder, const NetworkContent& network, const std::string& stem,
                          std::optional<at::ScalarType> dtype, const nlohmann::json& provenance,
                          const std::filesystem::path& tokenizer = {});

}  // namespace fewstep
