#include "core/error.h"
#include "core/text.h"
#include "datasets/caption_formats.h"
#include "datasets/caption_table.h"
#include "datasets/delimited.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <utility>

namespace fewstep {
namespace {

std::vector<CaptionColumn> header(const PromptQuery& query, std::vector<std::string> names) {
  if (names.size() > kMaxColumns) {
    throw error_at(query, {"line", 1}, fmt::format("expected at most {} columns, got {}", kMaxColumns, names.size()));
  }
  std::vector<CaptionColumn> columns;
  for (std::string& name : names) columns.push_back({std::move(name)});
  return columns;
}

double number(const PromptQuery& query, const std::string& column, std::string_view field, Place place) {
  const std::string_view whole = field;
  while (field.starts_with(' ')) field.remove_prefix(1);
  while (field.ends_with(' ')) field.remove_suffix(1);
  if (field.empty()) return std::numeric_limits<double>::quiet_NaN();
  if (field.starts_with('+')) field.remove_prefix(1);
  double value = 0;
  const auto [end, failure] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (failure != std::errc() || end != field.data() + field.size())
    throw error_at(query, place, "expected a number in column " + in_quotes(column) + ", got " + in_quotes(whole));
  return value;
}

PromptSet read_delimited(const PromptQuery& query, char ending) {
  const Dialect dialect = dialect_of(query, ending);
  Records records(query, dialect);
  std::optional<Record> record;
  std::vector<CaptionColumn> columns(1);
  if (dialect.header) {
    record = records.next(0);
    if (!record)
      throw input_error(query.file.string(), "expected a first line with the names of the columns, got an empty file");
    columns = header(query, std::move(record->fields));
  }
  const ChosenColumns chosen = choose_columns(query, columns);

  PromptCollector collector(query);
  std::vector<double> values(chosen.where.size());
  while (!collector.full() && (record = records.next(columns.size()))) {
    const auto& [place, fields, lines] = *record;
    if (fields.size() != columns.size()) {
      throw error_at(query, place, fmt::format("expected {} fields, got {}", columns.size(), fields.size()));
    }
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = number(query, columns[chosen.where[i]].name, fields[chosen.where[i]], place);
    collector.add(fields[chosen.text], values, place,
                  chosen.file ? std::optional<std::string_view>(fields[*chosen.file]) : std::nullopt);
  }
  PromptSet set = collector.finish(columns[chosen.text].name);
  set.dialect = text_of(dialect, ending);
  return set;
}

}  // namespace

PromptSet read_prompts_tsv(const PromptQuery& query) { return read_delimited(query, '\t'); }
PromptSet read_prompts_csv(const PromptQuery& query) { return read_delimited(query, ','); }

}  // namespace fewstep
