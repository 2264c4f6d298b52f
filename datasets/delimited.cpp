#include "datasets/delimited.h"

#include "core/error.h"

#include <algorithm>
#include <utility>

namespace fewstep {
namespace {

using Fields = std::vector<std::string>;

constexpr std::uint64_t kHeadBytes = 16 << 20;
constexpr std::int64_t kMaxQuotedLines = 20;  // of one column, where nothing else tells a caption from two

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

Fields split_line(std::string_view line, char delimiter) {
  Fields fields;
  while (true) {
    const std::size_t end = line.find(delimiter);
    const std::string_view field = line.substr(0, end);
    fields.push_back(unquoted(field).value_or(std::string(field)));
    if (end == std::string_view::npos) return fields;
    line.remove_prefix(end + 1);
  }
}

// One RFC 4180 record that begins with record; a quoted field takes further lines.
class QuotedRecord {
 public:
  QuotedRecord(const PromptQuery& query, char delimiter, TextLines& lines, std::string record)
      : query_(query), delimiter_(delimiter), lines_(lines), record_(std::move(record)) {}

  Fields split() {
    Fields fields;
    do {
      fields.push_back(at_ < record_.size() && record_[at_] == '"' ? quoted_field() : plain_field());
    } while (at_ < record_.size() && record_[at_++] == delimiter_);
    return fields;
  }

 private:
  std::string plain_field() {
    const std::size_t end = std::min(record_.find(delimiter_, at_), record_.size());
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
    if (at_ < record_.size() && record_[at_] != delimiter_) {
      throw error_at(query_, {"line", lines_.number()},
                     std::string("expected ") + (delimiter_ == ',' ? "a comma" : "a delimiter") +
                         " or the end of the line after a closing quote");
    }
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
  const char delimiter_;
  TextLines& lines_;
  std::string record_;
  std::size_t at_ = 0;
};

// What a dialect makes of the head of a file.
struct Trial {
  Dialect dialect;
  bool consistent = false;                // every record has as many fields as the first one
  std::int64_t records = 0, longest = 1;  // lines of the longest record
  Fields first;
};

Trial tried(const PromptQuery& query, const Dialect& dialect) {
  Trial trial;
  trial.dialect = dialect;
  Records records(query, dialect);
  try {
    while (records.bytes_read() < kHeadBytes) {
      std::optional<Record> record = records.next(trial.first.size());
      if (!record) break;
      trial.longest = std::max(trial.longest, record->lines);
      if (trial.records++ == 0) trial.first = record->fields;
      if (record->fields.size() != trial.first.size()) return trial;
    }
  } catch (const Error&) {
    return trial;
  }
  trial.consistent = trial.records > 0;
  return trial;
}

// The better of the two ways to read quotes. By lines there are more records where quotes across lines swallow some,
// and where their fields agree that is the more likely reading; one column alone always agrees.
Trial with_delimiter(const PromptQuery& query, char delimiter, bool by_lines) {
  Trial across = tried(query, {.delimiter = delimiter});
  if (!by_lines) return across;
  Trial lines = tried(query, {.delimiter = delimiter, .quotes_across_lines = false});
  if (!lines.consistent) return across.consistent ? across : lines;
  const bool one_column = lines.first.size() == 1;
  return across.consistent && one_column && across.longest <= kMaxQuotedLines ? across : lines;
}

// A first line of one column that is no name but a caption.
bool is_caption(const PromptQuery& query, const Fields& first) {
  if (first.size() != 1 || query.text || has_captions(query, first)) return false;
  const auto of_names = [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-' || c == '.'; };
  return !std::all_of(first[0].begin(), first[0].end(), of_names) || first[0].size() > 40;
}

// Excel's "sep=;", which names the delimiter.
std::optional<char> named_delimiter(const PromptQuery& query) {
  TextLines lines(query.file);
  std::string line;
  if (!lines.next(line)) return std::nullopt;
  strip_carriage_return(line);
  return line.size() == 5 && line.starts_with("sep=") ? std::optional(line[4]) : std::nullopt;
}

}  // namespace

Records::Records(const PromptQuery& query, const Dialect& dialect)
    : query_(query), dialect_(dialect), lines_(query.file) {
  std::string line;
  if (dialect.names_delimiter) lines_.next(line);
}

std::optional<Record> Records::next(std::size_t columns) {
  for (std::string line; lines_.next(line);) {
    bytes_ += line.size() + 1;
    if (columns != 1 && (line.empty() || line == "\r")) continue;
    const Place place{"line", lines_.number()};
    if (dialect_.quotes_across_lines) {
      Fields fields = QuotedRecord(query_, dialect_.delimiter, lines_, std::move(line)).split();
      return Record{place, std::move(fields), lines_.number() - place.number + 1};
    }
    strip_carriage_return(line);
    return Record{place, split_line(line, dialect_.delimiter)};
  }
  return std::nullopt;
}

Dialect dialect_of(const PromptQuery& query, char ending) {
  if (const auto named = named_delimiter(query)) return {.delimiter = *named, .names_delimiter = true};
  const Trial own = with_delimiter(query, ending, ending == '\t');
  Dialect chosen = own.dialect;
  if (!own.consistent || !has_captions(query, own.first)) {
    for (const char delimiter : {',', ';', '\t'}) {
      if (delimiter == ending) continue;
      const Trial other = with_delimiter(query, delimiter, delimiter == '\t');
      if (!other.consistent || other.first.size() < 2) continue;
      // One column of any ending agrees with itself; two that agree, line by line, are no accident.
      const bool better =
          has_captions(query, other.first) || (own.consistent && own.first.size() == 1 && other.records > 1);
      if (!better) continue;
      chosen = other.dialect;
      return chosen;
    }
  }
  chosen.header = !(own.consistent && is_caption(query, own.first));
  return chosen;
}

std::string text_of(const Dialect& dialect, char ending) {
  std::string text;
  const auto add = [&](const char* part) { text += (text.empty() ? "" : ", ") + std::string(part); };
  if (dialect.delimiter != ending)
    add(dialect.delimiter == ';'    ? "semicolons"
        : dialect.delimiter == ','  ? "commas"
        : dialect.delimiter == '\t' ? "tabs"
                                    : "another delimiter");
  if (dialect.quotes_across_lines && ending == '\t') add("quoted fields");
  if (!dialect.header) add("no line of names");
  return text;
}

}  // namespace fewstep
