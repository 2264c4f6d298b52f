#include "settings/run_options.h"

#include <algorithm>

namespace fewstep {

nlohmann::json run_options_json(const RunOptions& options) {
  nlohmann::json json = nlohmann::json::object();
  for (const RunOption& option : kRunOptions)
    if (nlohmann::json value = option.get(options); !value.is_null()) json[std::string(option.name)] = std::move(value);
  return json;
}

RunOptions read_run_options(const nlohmann::json& json) {
  RunOptions options;
  for (const RunOption& option : kRunOptions)
    if (const auto found = json.find(option.name); found != json.end()) option.set(options, *found);
  return options;
}

std::vector<std::string> run_arguments(const RunOptions& options) {
  std::vector<std::string> words;
  const RunOptions defaults;
  for (const RunOption& option : kRunOptions) {
    const nlohmann::json value = option.get(options);
    if (value == option.get(defaults)) continue;
    std::string name = "--" + std::string(option.name);
    std::ranges::replace(name, '_', '-');
    if (value.is_boolean()) {
      words.push_back(name);
      continue;
    }
    for (const nlohmann::json& one : value.is_array() ? value : nlohmann::json::array({value})) {
      words.push_back(name);
      words.push_back(one.is_string() ? one.get<std::string>() : one.dump());
    }
  }
  return words;
}

}  // namespace fewstep
