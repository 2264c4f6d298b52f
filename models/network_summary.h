#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace fewstep {

// What a weights file holds, without loading it.
struct NetworkSummary {
  std::string name;        // sub-folder, or the file's name
  std::string class_name;  // of its config.json; empty where there is none
  std::int64_t tensors = 0, parameters = 0;
  std::uint64_t bytes = 0;
  std::map<std::string, std::int64_t> dtypes;  // "F16" → tensors of it
};

// One summary of a .safetensors file or index; of every network of a folder in diffusers or Transformers layout.
// Throws Error (kInput) for anything else.
std::vector<NetworkSummary> list_networks(const std::filesystem::path& path);

}  // namespace fewstep
