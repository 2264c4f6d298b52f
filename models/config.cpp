#include "models/config.h"

#include "core/error.h"
#include "core/known_mistakes.h"
#include "core/text.h"
#include "core/warnings.h"
#include "formats/json.h"
#include "models/reference_signatures.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

namespace fewstep {
namespace {

bool is_positive(const nlohmann::json& value) {
  return value.is_number_integer() && value.get<double>() >= 1 && value.get<double>() <= 1'000'000;
}

// A value as messages show it.
std::string shown(const nlohmann::json& value) {
  const std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const std::size_t length = whole_characters(text, 80);
  return length < text.size() ? text.substr(0, length) + "…" : text;
}

// A value that holds for all blocks of a network may also stand there for each.
bool is_or_lists(const nlohmann::json& value, const nlohmann::json& item) {
  return value == item || (value.is_array() && !value.empty() &&
                           std::all_of(value.begin(), value.end(), [&](const auto& one) { return one == item; }));
}

}  // namespace

Config Config::read(const std::filesystem::path& path, Classes classes) {
  return {read_json_object(path), path.string(), classes};
}

Config::Config(nlohmann::json object, std::string where, Classes classes)
    : defaults_(nlohmann::json::object()), where_(std::move(where)) {
  for (const std::string_view name : classes) {
    for (const auto& [key, value] : reference_signature(name).items())
      if (!defaults_.contains(key)) defaults_[key] = value;
  }
  object_ = defaults_;
  for (const auto& [key, value] : object.items()) {
    if (key == "quantization_config" && !value.empty())
      throw input_error(where_,
                        "expected weights in floating point, got " + in_quotes(key) + remedy(KnownMistake::kQuantised));
    // How the weights lie in the file, which the file itself says.
    if (classes.size() > 0 && (key == "torch_dtype" || key == "dtype") && !defaults_.contains(key)) continue;
    const bool unknown = classes.size() > 0 && !key.starts_with('_') && !defaults_.contains(key);
    if (!unknown) object_[key] = value;
    // What is null, false or empty says that there is nothing to ignore.
    if (unknown && !value.empty() && value != false) ignored_.insert(key);
  }
}

const nlohmann::json* Config::find(const std::string& key) {
  read_.insert(key);
  const auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

void Config::fail(const std::string& key, const std::string& expected, const std::string& remedy) const {
  const auto found = object_.find(key);
  throw input_error(where_, "expected " + expected + " for " + in_quotes(key) + ", got " +
                                (found == object_.end() ? "nothing" : shown(*found)) + remedy);
}

std::int64_t Config::integer(const std::string& key) {
  const auto* value = find(key);
  if (!value || !is_positive(*value)) fail(key, "a number from 1 to 1000000");
  return value->get<std::int64_t>();
}

double Config::number(const std::string& key) {
  const auto* value = find(key);
  if (!value || !value->is_number()) fail(key, "a number");
  return value->get<double>();
}

bool Config::boolean(const std::string& key) {
  const auto* value = find(key);
  if (!value || !value->is_boolean()) fail(key, "true or false");
  return value->get<bool>();
}

std::string Config::text(const std::string& key) {
  const auto* value = find(key);
  if (!value || !value->is_string()) fail(key, "a text");
  return value->get<std::string>();
}

std::vector<std::int64_t> Config::integers(const std::string& key) {
  const auto* value = find(key);
  const bool valid = value && value->is_array() && !value->empty() && value->size() <= 64 &&
                     std::all_of(value->begin(), value->end(), is_positive);
  if (!valid) fail(key, "a list of numbers from 1 to 1000000");
  return value->get<std::vector<std::int64_t>>();
}

std::map<std::string, std::int64_t> Config::integers_by_name(const std::string& key) {
  const auto* value = find(key);
  const bool valid =
      value && value->is_object() && value->size() <= 64 && std::all_of(value->begin(), value->end(), is_positive);
  if (!valid) fail(key, "an object of names and numbers from 1 to 1000000");
  return value->get<std::map<std::string, std::int64_t>>();
}

std::vector<std::string> Config::texts(const std::string& key, const std::vector<std::string>& allowed) {
  const auto* value = find(key);
  const auto known = [&](const nlohmann::json& item) {
    return item.is_string() && std::find(allowed.begin(), allowed.end(), item.get<std::string>()) != allowed.end();
  };
  if (!value || !value->is_array() || value->empty() || !std::all_of(value->begin(), value->end(), known)) {
    std::string names;
    for (const auto& name : allowed) names += (names.empty() ? "" : ", ") + name;
    fail(key, "a list of " + names + " (the supported ones)");
  }
  return value->get<std::vector<std::string>>();
}

std::optional<std::int64_t> Config::optional_integer(const std::string& key) {
  const auto* value = find(key);
  if (!value || value->is_null()) return {};
  return integer(key);
}

std::optional<std::string> Config::optional_text(const std::string& key) {
  const auto* value = find(key);
  if (!value || value->is_null()) return {};
  return text(key);
}

std::vector<std::int64_t> Config::integer_or_list(const std::string& key, std::size_t n) {
  const auto* value = find(key);
  if (!value || !value->is_array()) return std::vector<std::int64_t>(n, integer(key));
  auto list = integers(key);
  if (list.size() != n) fail(key, fmt::format("a number or a list of {}", n));
  return list;
}

bool Config::has(const std::string& key) {
  const auto* value = find(key);
  return value && !value->is_null();
}

Config Config::object(const std::string& key, Classes classes) {
  const auto* value = find(key);
  if (!value || value->is_null()) return {nlohmann::json::object(), where_ + ": " + key, classes};
  if (!value->is_object()) fail(key, "an object");
  return {*value, where_ + ": " + key, classes};
}

void Config::only(const std::string& key, const nlohmann::json& supported, const std::string& remedy) {
  const auto* value = find(key);
  if (value && !is_or_lists(*value, supported)) fail(key, supported.dump() + " (the one supported value)", remedy);
}

void Config::without_effect(std::string_view keys) {
  std::istringstream words{std::string(keys)};
  for (std::string key; words >> key;) {
    read_.insert(key);
    ignored_.erase(key);
  }
}

void Config::finish() const {
  for (const auto& [key, value] : object_.items()) {
    if (key.starts_with('_') || read_.contains(key)) continue;
    const auto standard = defaults_.find(key);
    if (standard != defaults_.end() && is_or_lists(value, *standard)) continue;
    if (standard != defaults_.end()) fail(key, standard->dump() + " (the one supported value)");
    throw input_error(where_, "expected only supported keys, got " + in_quotes(key) + " = " + shown(value));
  }
  if (ignored_.empty()) return;
  std::string keys;
  for (const std::string& key : ignored_) keys += (keys.empty() ? "" : ", ") + key;
  warn(where_, "ignored, as the reference does, for it knows no such keys: " + keys);
}

}  // namespace fewstep
