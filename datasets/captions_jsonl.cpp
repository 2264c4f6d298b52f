#include "core/error.h"
#include "core/text.h"
#include "datasets/caption_formats.h"
#include "datasets/caption_table.h"
#include "datasets/text_lines.h"
#include "formats/json.h"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include <limits>

namespace fewstep {
namespace {

using nlohmann::json;

std::optional<std::string_view> text_of(const PromptQuery& query, const json& record, const std::string& key,
                                        Place place) {
  const auto found = record.find(key);
  if (found == record.end() || found->is_null()) return std::nullopt;
  if (!found->is_string())
    throw error_at(query, place, "expected a string for key " + in_quotes(key) + ", got a " + found->type_name());
  return found->get_ref<const std::string&>();
}

double number_of(const PromptQuery& query, const json& record, const std::string& key, Place place) {
  const auto found = record.find(key);
  if (found == record.end() || found->is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (!found->is_number())
    throw error_at(query, place, "expected a number for key " + in_quotes(key) + ", got a " + found->type_name());
  return found->get<double>();
}

struct Keys {
  std::string text;
  std::optional<std::string> file;
  std::vector<std::string> where;
};

// The first record says which keys there are; a later one may leave some out (null).
Keys choose_keys(const PromptQuery& query, const json& record) {
  if (record.size() > kMaxColumns) throw error_at(query, {"line", 1}, "expected at most 10000 keys");
  std::vector<CaptionColumn> columns;
  for (const auto& [key, value] : record.items()) columns.push_back({key, value.is_string() || value.is_null()});
  const ChosenColumns chosen = choose_columns(query, columns);
  Keys keys{columns[chosen.text].name, {}, {}};
  if (chosen.file) keys.file = columns[*chosen.file].name;
  for (const std::size_t index : chosen.where) keys.where.push_back(columns[index].name);
  return keys;
}

}  // namespace

PromptSet read_prompts_jsonl(const PromptQuery& query) {
  TextLines lines(query.file);
  PromptCollector collector(query);
  std::optional<Keys> keys;
  std::vector<double> values(query.where.size());
  for (std::string line; !collector.full() && lines.next(line);) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const Place place{"line", lines.number()};
    json record;
    try {
      record = parse_json_object(line, fmt::format("{}:{}", query.file.string(), lines.number()));
    } catch (const Error& error) {
      collector.leave_out(error.what());
      continue;
    }
    if (!keys) keys = choose_keys(query, record);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = number_of(query, record, keys->where[i], place);
    collector.add(text_of(query, record, keys->text, place), values, place,
                  keys->file ? text_of(query, record, *keys->file, place) : std::nullopt);
  }
  return collector.finish(keys ? keys->text : "");
}

}  // namespace fewstep
