#include "models/config.h"

#include "core/error.h"
#include "core/text.h"
#include "formats/json.h"

#include <algorithm>
#include <iterator>
#include <sstream>

namespace fewstep {
namespace {

bool is_positive(const nlohmann::json& value) {
  return value.is_number_integer() && value.get<double>() >= 1 && value.get<double>() <= 1'000'000;
}

}  // namespace

Config Config::read(const std::filesystem::path& path) { return {read_json_object(path), path.string()}; }

const nlohmann::json* Config::find(const std::string& key) {
  read_.insert(key);
  const auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

void Config::fail(const std::string& key, const std::string& expected) const {
  const auto found = object_.find(key);
  std::string got = found == object_.end() ? "nothing" : found->dump();
  if (got.size() > 80) got = got.substr(0, 80) + "…";
  throw input_error(where_, "expected " + expected + " for " + in_quotes(key) + ", got " + got);
}

std::int64_t Config::integer(const std::string& key, std::optional<std::int64_t> fallback) {
  const auto* value = find(key);
  if (!value && fallback) return *fallback;
  if (!value || !is_positive(*value)) fail(key, "a number from 1 to 1000000");
  return value->get<std::int64_t>();
}

double Config::number(const std::string& key, std::optional<double> fallback) {
  const auto* value = find(key);
  if (!value && fallback) return *fallback;
  if (!value || !value->is_number()) fail(key, "a number");
  return value->get<double>();
}

bool Config::boolean(const std::string& key, std::optional<bool> fallback) {
  const auto* value = find(key);
  if (!value && fallback) return *fallback;
  if (!value || !value->is_boolean()) fail(key, "true or false");
  return value->get<bool>();
}

std::string Config::text(const std::string& key, std::optional<std::string> fallback) {
  const auto* value = find(key);
  if (!value && fallback) return *fallback;
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

std::optional<std::string> Config::optional_text(const std::string& key, const std::string& when_absent) {
  const auto* value = find(key);
  if (value && value->is_null()) return {};
  return text(key, when_absent);
}

std::vector<std::int64_t> Config::integer_or_list(const std::string& key, std::size_t n, std::int64_t fallback) {
  const auto* value = find(key);
  if (!value || !value->is_array()) return std::vector<std::int64_t>(n, integer(key, fallback));
  auto list = integers(key);
  if (list.size() != n) fail(key, "a number or a list of " + std::to_string(n));
  return list;
}

Config Config::object(const std::string& key) {
  const auto* value = find(key);
  if (!value || value->is_null()) return {nlohmann::json::object(), where_ + ": " + key};
  if (!value->is_object()) fail(key, "an object");
  return {*value, where_ + ": " + key};
}

void Config::only(const std::string& key, const nlohmann::json& supported) {
  const auto* value = find(key);
  if (value && *value != supported) fail(key, supported.dump() + " (the one supported value)");
}

void Config::without_effect(std::string_view keys) {
  std::istringstream words{std::string(keys)};
  read_.insert(std::istream_iterator<std::string>(words), {});
}

void Config::finish() const {
  for (const auto& [key, value] : object_.items()) {
    if (!key.starts_with('_') && !read_.contains(key)) {
      std::string got = value.dump();
      if (got.size() > 80) got = got.substr(0, 80) + "…";
      throw input_error(where_, "expected only supported keys, got " + in_quotes(key) + " = " + got +
                                    "; remove it if it changes nothing, else this network cannot be run");
    }
  }
}

}  // namespace fewstep
