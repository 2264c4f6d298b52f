#include "core/error.h"
#include "core/text.h"
#include "datasets/caption_formats.h"
#include "datasets/caption_table.h"
#include "datasets/text_lines.h"

#include <charconv>
#include <limits>
#include <utility>

namespace fewstep {
namespace {

using Fields = std::vector<std::string>;

struct Record {
  Place place;  // its first line
  Fields fields;
};

// The text of a field that is quoted from its first to its last byte, inner quotes doubled; nullopt for another.
std::optional<std::string> unquoted(std::string_view field) {
  if (field.size() < 2 || field.front() != '"' || field.back() != '"') return std::nullopt;
  field = field.substr(1, field.size() - 2);
  std::string text;
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] == '"' && (++i == field.size() || field[i] != '"')) return std::nullopt;
    text += field[i];
  }
  return text;
}

// .tsv comes in two dialects: without quoting (Conceptual Captions), and quoted where needed (pandas, the COCO file of
// MLPerf). A field that is quoted by the rules on its own line is taken as quoted, any other quote is a quote.
Fields split_tsv(std::string_view line) {
  Fields fields;
  while (true) {
    const std::size_t tab = line.find('\t');
    const std::string_view field = line.substr(0, tab);
    fields.push_back(unquoted(field).value_or(std::string(field)));
    if (tab == std::string_view::npos) return fields;
    line.remove_prefix(tab + 1);
  }
}

// One RFC 4180 record that begins with record; a quoted field takes further lines.
class CsvRecord {
 public:
  CsvRecord(const PromptQuery& query, TextLines& lines, std::string record)
      : query_(query), lines_(lines), record_(std::move(record)) {}

  Fields split() {
    Fields fields;
    do {
      fields.push_back(at_ < record_.size() && record_[at_] == '"' ? quoted_field() : plain_field());
    } while (at_ < record_.size() && record_[at_++] == ',');
    return fields;
  }

 private:
  std::string plain_field() {
    const std::size_t end = std::min(record_.find(',', at_), record_.size());
    std::string field = record_.substr(at_, end - at_);
    if (end == record_.size()) strip_carriage_return(field);
    at_ = end;
    return field;
  }

  std::string quoted_field() {
    const std::int64_t opened = lines_.number();
    std::string field;
    for (++at_;; ++at_) {
      if (at_ == record_.size()) {
        take_line(opened, field.size());
        field += '\n';
        at_ = std::string::npos;  // the loop steps to 0
      } else if (record_[at_] != '"') {
        field += record_[at_];
      } else if (at_ + 1 < record_.size() && record_[at_ + 1] == '"') {
        field += record_[++at_];
      } else {
        break;
      }
    }
    ++at_;
    if (at_ + 1 == record_.size() && record_[at_] == '\r') ++at_;
    if (at_ < record_.size() && record_[at_] != ',')
      throw error_at(query_, {"line", lines_.number()},
                     "expected a comma or the end of the line after a closing quote");
    return field;
  }

  void take_line(std::int64_t opened, std::size_t field_bytes) {
    if (field_bytes > TextLines::kMaxLineBytes || !lines_.next(record_)) {
      throw error_at(
          query_, {"line", opened},
          "expected a closing quote, got " +
              std::string(field_bytes > TextLines::kMaxLineBytes ? "16 MiB without one" : "none in the file"));
    }
  }

  const PromptQuery& query_;
  TextLines& lines_;
  std::string record_;
  std::size_t at_ = 0;
};

// The next record that is not blank (a blank line is an empty caption where there is one column).
std::optional<Record> next_record(const PromptQuery& query, TextLines& lines, char delimiter, std::size_t columns) {
  for (std::string line; lines.next(line);) {
    if (columns != 1 && (line.empty() || line == "\r")) continue;
    const Place place{"line", lines.number()};
    if (delimiter == ',') return Record{place, CsvRecord(query, lines, std::move(line)).split()};
    strip_carriage_return(line);
    return Record{place, split_tsv(line)};
  }
  return std::nullopt;
}

std::vector<CaptionColumn> header(const PromptQuery& query, Fields names) {
  if (names.size() > kMaxColumns) {
    throw error_at(query, {"line", 1},
                   "expected at most " + std::to_string(kMaxColumns) + " columns, got " + std::to_string(names.size()));
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

PromptSet read_delimited(const PromptQuery& query, char delimiter) {
  TextLines lines(query.file);
  std::optional<Record> record = next_record(query, lines, delimiter, 0);
  if (!record)
    throw input_error(query.file.string(), "expected a first line with the names of the columns, got an empty file");
  const std::vector<CaptionColumn> columns = header(query, std::move(record->fields));
  const ChosenColumns chosen = choose_columns(query, columns);

  PromptCollector collector(query);
  std::vector<double> values(chosen.where.size());
  while (!collector.full() && (record = next_record(query, lines, delimiter, columns.size()))) {
    const auto& [place, fields] = *record;
    if (fields.size() != columns.size()) {
      throw error_at(query, place,
                     "expected " + std::to_string(columns.size()) + " fields, got " + std::to_string(fields.size()));
    }
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = number(query, columns[chosen.where[i]].name, fields[chosen.where[i]], place);
    collector.add(fields[chosen.text], values, place,
                  chosen.file ? std::optional<std::string_view>(fields[*chosen.file]) : std::nullopt);
  }
  return collector.finish(columns[chosen.text].name);
}

}  // namespace

PromptSet read_prompts_tsv(const PromptQuery& query) { return read_delimited(query, '\t'); }
PromptSet read_prompts_csv(const PromptQuery& query) { return read_delimited(query, ','); }

}  // namespace fewstep
