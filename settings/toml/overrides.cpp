#include "core/files.h"
#include "core/names.h"
#include "settings/toml/limits.h"
#include "settings/toml/table.h"

#include <fmt/format.h>

#include <charconv>

namespace fewstep {
namespace {

constexpr std::uint64_t kMaxFileBytes = 1 << 20;

toml::table parse(std::string_view text, const std::string& source) {
  check_toml_limits(text, source);
  try {
    return toml::parse(text, source);
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    const std::string place = fmt::format(":{}:{}", at.line, at.column);
    throw usage_error(source.starts_with("--set") ? source : source + place,
                      "expected TOML: " + std::string(error.description()));
  }
}

// A value as --set gives it: TOML, or text that needs no quotes (a path, a name).
toml::table parse_value(std::string_view value, const std::string& option) {
  const bool quoted_or_nested = !value.empty() && std::string_view("[{\"'").find(value[0]) != std::string_view::npos;
  if (value.find('\n') != std::string_view::npos) throw usage_error(option, "expected one line after \"=\"");
  const std::string line = "value = " + std::string(value);
  check_toml_limits(line, option);
  try {
    return toml::parse(line, option);
  } catch (const toml::parse_error& error) {
    if (quoted_or_nested || value.empty())
      throw usage_error(option, "expected a TOML value after \"=\": " + std::string(error.description()));
  }
  // Read as TOML all the same: so it is checked (UTF-8), and the node knows that it came from this option.
  std::string text = "value = \"";
  for (const char c : value) text += (c == '"' || c == '\\' ? "\\" : "") + std::string(1, c);
  return parse(text + "\"", option);
}

// Moved, not copied: a copied node forgets that it came from --set, and errors could not say so.
void put(toml::table& table, std::string_view key, toml::node& value) {
  value.visit([&](auto& node) { table.insert_or_assign(key, std::move(node)); });
}

toml::node* element_of(toml::array& array, std::string_view key, const std::string& option) {
  std::vector<std::string> names;
  for (toml::node& element : array) {
    const auto name = element.is_table() ? (*element.as_table())["name"].value<std::string>() : std::nullopt;
    if (name == key) return &element;
    if (name) names.push_back(*name);
  }
  std::size_t index = 0;
  const auto [end, failure] = std::from_chars(key.data(), key.data() + key.size(), index);
  if (failure != std::errc() || end != key.data() + key.size()) throw usage_error(option, unknown_name(key, names));
  if (index < array.size()) return array.get(index);
  throw usage_error(option, fmt::format("expected an index below {}, got {}", array.size(), key));
}

// The table that holds the last key of a dotted path; tables on the way are made where they are missing.
toml::table& descend(toml::table& root, std::string_view& path, const std::string& option) {
  toml::table* table = &root;
  for (auto dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
    const std::string_view key = path.substr(0, dot);
    path.remove_prefix(dot + 1);
    toml::node* node = table->get(key);
    if (!node) {
      toml::table fresh = toml::parse("value = {}", option);
      put(*table, key, *fresh.get("value"));
      node = table->get(key);
    }
    if (toml::array* array = node->as_array()) {
      dot = path.find('.');
      if (dot == std::string_view::npos) {
        throw usage_error(option, "expected NAME.KEY of one of the list \"" + std::string(key) +
                                      "\", or the whole list, got \"" + std::string(path) + "\"");
      }
      node = element_of(*array, path.substr(0, dot), option);
      path.remove_prefix(dot + 1);
    }
    table = node->as_table();
    if (!table) throw usage_error(option, "expected \"" + std::string(key) + "\" to be a table, got a value");
  }
  return *table;
}

void apply(toml::table& root, const std::string& text) {
  const std::string option = "--set " + (text.size() > 200 ? text.substr(0, 200) + "…" : text);
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw usage_error(option, "expected key=value, such as grid.steps=[4] or checkpoint.lcm.path=my-lcm");
  std::string_view path = std::string_view(text).substr(0, equals);
  check_toml_limits(path, option);
  toml::table value = parse_value(std::string_view(text).substr(equals + 1), option);
  if (path.starts_with('.') || path.ends_with('.') || path.find("..") != std::string_view::npos)
    throw usage_error(option, "expected a key of a table, got \"" + std::string(path) + "\"");
  toml::table& table = descend(root, path, option);
  put(table, path, *value.get("value"));
}

}  // namespace

toml::table read_toml(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  toml::table root = parse(read_file(file, kMaxFileBytes), file.string());
  for (const std::string& text : overrides) apply(root, text);
  return root;
}

}  // namespace fewstep
