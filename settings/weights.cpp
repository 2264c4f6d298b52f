#include "settings/weights.h"

#include "formats/pickles.h"
#include "settings/toml/table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <sstream>
#include <utility>
#include <vector>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

Path from_environment(const char* variable) {
  const char* value = std::getenv(variable);
  return value ? value : "";
}

Path user_configuration() {
  if (const Path folder = from_environment("XDG_CONFIG_HOME"); !folder.empty()) return folder / "fewstep.toml";
  const Path home = from_environment("HOME");
  return home.empty() ? Path() : home / ".config/fewstep.toml";
}

std::string_view key_of(const NetworkSlot& network) { return network.option.substr(2); }

Path named_in(const Path& file, const NetworkSlot& network) {
  std::error_code ignored;
  if (file.empty() || !std::filesystem::is_regular_file(file, ignored)) return {};
  const toml::table root = read_toml(file, {});
  std::vector<std::string_view> keys;
  for (const MetricInfo& metric : kMetrics) keys.push_back(key_of(metric.network));
  const auto given =
      TomlTable(root, file.string(), "the file", {"weights"}).section("weights", keys).optional_text(key_of(network));
  return given ? (file.parent_path() / *given).lexically_normal() : Path();
}

Path cache_of(const char* variable, const char* below, const char* at_home) {
  if (const Path folder = from_environment(variable); !folder.empty()) return folder / below;
  const Path home = from_environment("HOME");
  return home.empty() ? Path() : home / at_home;
}

// What the caches of other packages hold of a network.
struct Cached {
  Path safetensors, pickle;
};

// The snapshots of models--OWNER--NAME, the newest first.
std::vector<Path> snapshots_of(const Path& hub, std::string_view name) {
  std::error_code ignored;
  std::vector<std::pair<std::filesystem::file_time_type, Path>> found;
  for (const auto& model : std::filesystem::directory_iterator(hub, ignored)) {
    const std::string folder = model.path().filename().string();
    if (!folder.starts_with("models--") || !folder.ends_with(fmt::format("--{}", name))) continue;
    for (const auto& snapshot : std::filesystem::directory_iterator(model.path() / "snapshots", ignored))
      found.emplace_back(snapshot.last_write_time(ignored), snapshot.path());
  }
  std::ranges::sort(found, std::greater());
  std::vector<Path> paths;
  for (auto& [time, path] : found) paths.push_back(std::move(path));
  return paths;
}

Cached in_caches(const NetworkSlot& network) {
  std::error_code ignored;
  const auto is_file = [&](const Path& path) { return std::filesystem::is_regular_file(path, ignored); };
  Cached cached;
  const Path hub = std::getenv("HF_HUB_CACHE") ? from_environment("HF_HUB_CACHE")
                                               : cache_of("HF_HOME", "hub", ".cache/huggingface/hub");
  const Path torch = cache_of("TORCH_HOME", "hub/checkpoints", ".cache/torch/hub/checkpoints");
  for (const std::string_view name : network.published) {
    if (!network.is_folder) {
      const Path file = torch / name, pickle = Path(file).replace_extension(".pth");
      if (cached.safetensors.empty() && is_file(file)) cached.safetensors = file;
      if (cached.pickle.empty() && is_file(pickle)) cached.pickle = pickle;
      continue;
    }
    for (const Path& folder : snapshots_of(hub, name)) {
      if (!is_file(folder / "config.json")) continue;
      const bool safe = is_file(folder / "model.safetensors") || is_file(folder / "model.safetensors.index.json");
      if (safe && cached.safetensors.empty()) cached.safetensors = folder;
      if (!safe && cached.pickle.empty() && is_file(folder / "pytorch_model.bin"))
        cached.pickle = folder / "pytorch_model.bin";
    }
  }
  return cached;
}

}  // namespace

Path find_network(const NetworkSlot& network, const Path& folder) {
  for (const Path& file : {folder.empty() ? Path() : folder / "fewstep.toml", user_configuration()})
    if (Path found = named_in(file, network); !found.empty()) return found;
  std::istringstream folders(from_environment("FEWSTEP_WEIGHTS").string());
  for (std::string each; std::getline(folders, each, ':');) {
    for (const std::string_view name : network.published) {
      std::error_code ignored;
      const Path path = Path(each) / name;
      if (network.is_folder ? std::filesystem::is_regular_file(path / "config.json", ignored)
                            : std::filesystem::is_regular_file(path, ignored))
        return path;
    }
  }
  return in_caches(network).safetensors;
}

std::string how_to_name(const NetworkSlot& network) {
  std::string text = fmt::format("{} names it", network.option);
  if (const Path pickle = in_caches(network).pickle; !pickle.empty()) return pickle_error(pickle).what();
  if (!network.published.empty())
    text += fmt::format("; or $FEWSTEP_WEIGHTS names a folder with {}", fmt::join(network.published, " or "));
  return text + fmt::format("; or [weights] {} in ~/.config/fewstep.toml", key_of(network));
}

Path network_or_refusal(const std::string& metric, const NetworkSlot& network, const Path& named) {
  Path path = named.empty() ? find_network(network, {}) : named;
  if (path.empty())
    throw usage_error(
        metric, fmt::format("expected {}, {}, got none; {}", network.key, network.expected, how_to_name(network)));
  return path;
}

}  // namespace fewstep
