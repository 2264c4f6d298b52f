#include "models/network_summary.h"

#include "core/error.h"
#include "formats/json.h"
#include "formats/safetensors.h"
#include "models/checkpoint_files.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace fewstep {
namespace {

namespace fs = std::filesystem;

NetworkSummary summarize(const fs::path& weights, std::string name) {
  NetworkSummary summary;
  summary.name = std::move(name);
  const auto file = SafetensorsFile::open(weights);
  for (const auto& [tensor, view] : file.tensors()) {
    ++summary.tensors;
    ++summary.dtypes[std::string(name_of(view.dtype))];
    summary.parameters += static_cast<std::int64_t>(view.data.size() / size_of(view.dtype));
    summary.bytes += view.data.size();
  }
  return summary;
}

std::string class_name(const fs::path& config_json) {
  const auto config = read_json_object(config_json);
  if (const auto name = config.find("_class_name"); name != config.end() && name->is_string()) return *name;
  const auto names = config.find("architectures");
  const bool listed = names != config.end() && names->is_array() && !names->empty() && names->front().is_string();
  return listed ? names->front().get<std::string>() : std::string();
}

NetworkSummary summarize_folder(const fs::path& folder, const std::string& name) {
  std::string kind = class_name(folder / "config.json");
  // Transformers calls its weights "model"; the configurations that diffusers writes name their class.
  const bool diffusers = read_json_object(folder / "config.json").contains("_class_name");
  NetworkSummary summary = summarize(find_weights(folder, diffusers ? "diffusion_pytorch_model" : "model"), name);
  summary.class_name = std::move(kind);
  return summary;
}

}  // namespace

std::vector<NetworkSummary> list_networks(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return {summarize(path, path.filename().string())};
  if (fs::exists(path / "config.json", ignored)) return {summarize_folder(path, path.filename().string())};
  std::vector<NetworkSummary> networks;
  for (const auto& entry : fs::directory_iterator(path)) {
    // A safety checker is no part of what runs here, and often lies there as a pickle.
    const std::string name = entry.path().filename().string();
    if (name != "safety_checker" && entry.is_directory() && fs::exists(entry.path() / "config.json", ignored))
      networks.push_back(summarize_folder(entry.path(), name));
  }
  if (networks.empty())
    throw input_error(path.string(), "expected a network or a checkpoint, got a folder without config.json");
  std::sort(networks.begin(), networks.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return networks;
}

}  // namespace fewstep
