#include "settings/toml/table.h"

#include "core/names.h"
#include "core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <utility>

namespace fewstep {
namespace {

constexpr std::size_t kMaxListed = 1000;

// Text of the file on one short line of a message.
std::string line_of(std::string_view text) {
  std::string line(text.substr(0, whole_characters(text, 80)));
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < ' ' || c == 0x7F; }, ' ');
  return line.size() < text.size() ? line + "…" : line;
}

std::string shown(const toml::node& node) {
  if (node.is_table()) return "a table";
  if (node.is_array()) return node.as_array()->empty() ? "an empty list" : "a list";
  std::ostringstream text;
  if (node.is_floating_point())
    return fmt::format("{:#}", node.as_floating_point()->get());  // 9.6, not 9.5999999999999996
  node.visit([&](const auto& value) { text << value; });
  return node.is_string() ? "\"" + line_of(node.as_string()->get()) + "\"" : line_of(text.str());
}

std::string number_text(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

template <typename T>
void refuse_duplicates(const std::vector<Placed<T>>& values, std::string_view key) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (values[i].value != values[j].value) continue;
      std::ostringstream text;
      text << "expected each value of " << key << " once, got " << values[i].value << " twice";
      throw usage_error(values[i].where, text.str());
    }
  }
}

}  // namespace

std::string place_of(const toml::node& node, const std::string& file) {
  const toml::source_region& source = node.source();
  const std::string path = source.path ? *source.path : file;
  if (path.starts_with("--set") || source.begin.line == 0) return path;
  return fmt::format("{}:{}:{}", path, source.begin.line, source.begin.column);
}

TomlTable::TomlTable(const toml::table& table, std::string file, std::string name,
                     const std::vector<std::string_view>& known)
    : table_(&table), file_(std::move(file)), name_(std::move(name)) {
  for (const auto& [key, node] : table) {
    if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
    const toml::source_position at = key.source().begin;
    const std::string place = at.line ? fmt::format("{}:{}:{}", file_, at.line, at.column) : place_of(node, file_);
    throw usage_error(place, "in " + name_ + ": " + unknown_name(line_of(key.str()), known));
  }
}

std::string TomlTable::where(std::string_view key) const {
  const toml::node* node = table_->get(key);
  return node ? place_of(*node, file_) : where();
}

void TomlTable::fail(const toml::node& node, const std::string& what) const {
  throw usage_error(place_of(node, file_), what);
}

void TomlTable::expected(const toml::node& node, const std::string& what) const {
  fail(node, "expected " + what + ", got " + shown(node));
}

const toml::node& TomlTable::require(std::string_view key, const std::string& what) const {
  const toml::node* node = table_->get(key);
  if (!node)
    throw usage_error(where(), "in " + name_ + ": expected " + std::string(key) + " = " + what + ", found none");
  return *node;
}

void TomlTable::refuse(std::initializer_list<std::string_view> keys, std::string what) const {
  for (const std::string_view key : keys) {
    if (!has(key)) continue;
    if (const auto at = what.find("{}"); at != std::string::npos) what.replace(at, 2, key);
    fail(*find(key), what);
  }
}

void TomlTable::expect_something_at(const std::filesystem::path& path, std::string_view key) const {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    throw input_error(where(key), "expected a file or folder, found nothing at " + path.string());
}

std::string TomlTable::text(std::string_view key) const {
  const toml::node& node = require(key, "\"…\"");
  if (!node.is_string() || node.as_string()->get().empty())
    expected(node, "text that is not empty for " + std::string(key));
  return node.as_string()->get();
}

std::optional<std::string> TomlTable::optional_text(std::string_view key) const {
  const toml::node* node = table_->get(key);
  if (!node) return std::nullopt;
  if (!node->is_string()) expected(*node, "text for " + std::string(key));
  return node->as_string()->get();
}

std::int64_t TomlTable::integer(std::string_view key, std::int64_t min, std::int64_t max,
                                std::optional<std::int64_t> fallback) const {
  if (fallback && !has(key)) return *fallback;
  const toml::node& node = require(key, "a whole number");
  const std::string what = fmt::format("a whole number from {} to {} for {}", min, max, key);
  if (!node.is_integer()) expected(node, what);
  const std::int64_t value = node.as_integer()->get();
  if (value < min || value > max) expected(node, what);
  return value;
}

double TomlTable::number(std::string_view key, double min, double max) const {
  const toml::node& node = require(key, "a number");
  const std::optional<double> value = node.is_number() ? node.value<double>() : std::nullopt;
  if (!value || !std::isfinite(*value)) expected(node, "a finite number for " + std::string(key));
  if (!(*value >= min && *value <= max))
    expected(node, "a number from " + number_text(min) + " to " + number_text(max) + " for " + std::string(key));
  return *value;
}

bool TomlTable::boolean(std::string_view key, bool fallback) const {
  const toml::node* node = table_->get(key);
  if (!node) return fallback;
  if (!node->is_boolean()) expected(*node, "true or false for " + std::string(key));
  return node->as_boolean()->get();
}

void TomlTable::refuse_long(const toml::array& array, std::string_view key) const {
  if (array.size() <= kMaxListed) return;
  fail(array, fmt::format("expected at most {} values of {}, got {}", kMaxListed, key, array.size()));
}

std::vector<const toml::node*> TomlTable::list(std::string_view key, const std::string& of) const {
  const toml::node* node = table_->get(key);
  if (!node) return {};
  if (node->is_value()) return {node};
  if (!node->is_array() || node->as_array()->empty())
    expected(*node, "a list of at least one of " + of + " for " + std::string(key));
  refuse_long(*node->as_array(), key);
  std::vector<const toml::node*> nodes;
  for (const toml::node& one : *node->as_array()) nodes.push_back(&one);
  return nodes;
}

std::optional<std::vector<Placed<std::int64_t>>> TomlTable::integers(std::string_view key, std::int64_t min,
                                                                     std::int64_t max) const {
  const std::string what = fmt::format("whole numbers from {} to {}", min, max);
  const auto nodes = list(key, what);
  if (nodes.empty()) return std::nullopt;
  std::vector<Placed<std::int64_t>> values;
  for (const toml::node* node : nodes) {
    const std::int64_t value = node->is_integer() ? node->as_integer()->get() : min - 1;
    if (value < min || value > max) expected(*node, what + " in " + std::string(key));
    values.push_back({value, place_of(*node, file_)});
  }
  refuse_duplicates(values, key);
  return values;
}

std::optional<std::vector<Placed<double>>> TomlTable::numbers(std::string_view key, double min, double max) const {
  const std::string what = "numbers from " + number_text(min) + " to " + number_text(max);
  const auto nodes = list(key, what);
  if (nodes.empty()) return std::nullopt;
  std::vector<Placed<double>> values;
  for (const toml::node* node : nodes) {
    const std::optional<double> value = node->is_number() ? node->value<double>() : std::nullopt;
    if (!value || !(*value >= min && *value <= max)) expected(*node, what + " in " + std::string(key));
    values.push_back({*value, place_of(*node, file_)});
  }
  refuse_duplicates(values, key);
  return values;
}

std::optional<std::vector<Placed<std::string>>> TomlTable::texts(std::string_view key) const {
  const auto nodes = list(key, "names");
  if (nodes.empty()) return std::nullopt;
  std::vector<Placed<std::string>> values;
  for (const toml::node* node : nodes) {
    if (!node->is_string()) expected(*node, "names in " + std::string(key));
    values.push_back({node->as_string()->get(), place_of(*node, file_)});
  }
  refuse_duplicates(values, key);
  return values;
}

TomlTable TomlTable::section(std::string_view key, const std::vector<std::string_view>& known) const {
  const std::string name = "[" + std::string(key) + "]";
  const toml::node* node = table_->get(key);
  if (!node) throw usage_error(file_, "expected a table " + name + ", found none");
  if (!node->is_table()) expected(*node, "a table " + name);
  return TomlTable(*node->as_table(), file_, name, known);
}

std::vector<const toml::table*> TomlTable::tables(std::string_view key) const {
  const toml::node* node = table_->get(key);
  if (!node) return {};
  if (!node->is_array_of_tables()) expected(*node, "tables [[" + std::string(key) + "]]");
  refuse_long(*node->as_array(), key);
  std::vector<const toml::table*> all;
  for (const toml::node& element : *node->as_array()) all.push_back(element.as_table());
  return all;
}

}  // namespace fewstep
