#include "settings/weights.h"

#include "settings/toml/table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <sstream>

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
  return {};
}

std::string how_to_name(const NetworkSlot& network) {
  std::string text = fmt::format("{} names it", network.option);
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
