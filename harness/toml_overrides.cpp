#include "core/files.h"
#include "core/names.h"
#include "harness/toml_table.h"

#include <charconv>

namespace fewstep {
namespace {

constexpr std::uint64_t kMaxFileBytes = 16 << 20;

toml::table parse(std::string_view text, const std::string& source) {
  try {
    return toml::parse(text, source);
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    throw usage_error(source + ":" + std::to_string(at.line) + ":" + std::to_string(at.column),
                      "expected TOML: " + std::string(error.description()));
  }
}

// A value as --set gives it: TOML, or text that needs no quotes (a path, a name).
toml::table parse_value(std::string_view value, const std::string& option) {
  const bool quoted_or_nested = !value.empty() && std::string_view("[{\"'").find(value[0]) != std::string_view::npos;
  try {
    return toml::parse("value = " + std::string(value), option);
  } catch (const toml::parse_error& error) {
    if (quoted_or_nested || value.empty() || value.find('\n') != std::string_view::npos)
      throw usage_error(option, "expected a TOML value after \"=\": " + std::string(error.description()));
  }
  return toml::table{{"value", std::string(value)}};
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
  throw usage_error(option, "expected an index below " + std::to_string(array.size()) + ", got " + std::string(key));
}

// The table that holds the last key of a dotted path; tables on the way are made where they are missing.
toml::table& descend(toml::table& root, std::string_view& path, const std::string& option) {
  toml::table* table = &root;
  for (auto dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.')) {
    const std::string_view key = path.substr(0, dot);
    path.remove_prefix(dot + 1);
    toml::node* node = table->get(key);
    if (!node) node = &table->insert_or_assign(key, toml::table{}).first->second;
    if (toml::array* array = node->as_array()) {
      dot = path.find('.');
      if (dot == std::string_view::npos) break;
      node = element_of(*array, path.substr(0, dot), option);
      path.remove_prefix(dot + 1);
    }
    table = node->as_table();
    if (!table) throw usage_error(option, "expected \"" + std::string(key) + "\" to be a table, got a value");
  }
  return *table;
}

void apply(toml::table& root, const std::string& text) {
  const std::string option = "--set " + text;
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    throw usage_error(option, "expected key=value, such as grid.steps=[4] or checkpoint.lcm.path=my-lcm");
  std::string_view path = std::string_view(text).substr(0, equals);
  toml::table value = parse_value(std::string_view(text).substr(equals + 1), option);
  toml::table& table = descend(root, path, option);
  if (path.empty() || path.find('.') != std::string_view::npos)
    throw usage_error(option, "expected a key of a table, got \"" + text.substr(0, equals) + "\"");
  // Moved, not copied: a copied node forgets that it came from --set, and errors could not say so.
  value.get("value")->visit([&](auto& node) { table.insert_or_assign(path, std::move(node)); });
}

}  // namespace

toml::table read_toml(const std::filesystem::path& file, const std::vector<std::string>& overrides) {
  toml::table root = parse(read_file(file, kMaxFileBytes), file.string());
  for (const std::string& text : overrides) apply(root, text);
  return root;
}

}  // namespace fewstep
