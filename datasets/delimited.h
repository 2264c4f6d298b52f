#pragma once
#include "datasets/caption_table.h"
#include "datasets/text_lines.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// How a table of text is written.
struct Dialect {
  char delimiter = ',';
  // RFC 4180: a quoted field may hold delimiters and line breaks. Else a quote is one only where it begins and ends a
  // field of one line by the same rules, and any other quote is text.
  bool quotes_across_lines = true;
  bool header = true;
  bool names_delimiter = false;  // the first line is Excel's "sep=;"
};

struct Record {
  Place place;  // its first line
  std::vector<std::string> fields;
  std::int64_t lines = 1;
};

// The records of a table, one at a time.
class Records {
 public:
  Records(const PromptQuery& query, const Dialect& dialect);
  // The next one that is not blank (a blank line is an empty field where there is one column). Throws Error (kInput).
  std::optional<Record> next(std::size_t columns);
  std::uint64_t bytes_read() const { return bytes_; }

 private:
  const PromptQuery& query_;
  Dialect dialect_;
  TextLines lines_;
  std::uint64_t bytes_ = 0;
};

// The dialect in which the first 16 MiB of the file make a table that has the columns in question, that of its ending
// before others. ending: '\t' for .tsv, ',' for .csv.
Dialect dialect_of(const PromptQuery& query, char ending);
// "semicolons, quoted fields across lines"; empty for what the ending says.
std::string text_of(const Dialect& dialect, char ending);

}  // namespace fewstep
