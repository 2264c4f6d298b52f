#pragma once
#include "core/error.h"
#include "datasets/prompt_set.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// What the readers of the five formats share: choosing columns, filtering and counting rows.

constexpr std::size_t kMaxColumns = 10'000;

// A column (or key) of the file; text: it can hold captions.
struct CaptionColumn {
  std::string name;
  bool text = true;
};

struct ChosenColumns {
  std::size_t text = 0;
  std::optional<std::size_t> file;  // where the query asks for files
  std::vector<std::size_t> where;   // one for each filter of the query
};

// Indices into columns. Throws Error (kInput) for a missing name (those that exist, the nearest first), a name that is
// there twice, and where the text or file column was not named and not exactly one fits.
ChosenColumns choose_columns(const PromptQuery& query, std::span<const CaptionColumn> columns);

// Whether one of the names is the query's text column, or, where it names none, a usual one for captions.
bool has_captions(const PromptQuery& query, std::span<const std::string> names);

// "line 12" or "row 12" of an error message; both count from 1.
struct Place {
  const char* unit = "line";
  std::int64_t number = 0;
};
Error error_at(const PromptQuery& query, Place place, std::string_view what);

// "expected WHAT in UTF-8, got …" for other bytes and for a NUL; nothing where text is text. what: "a caption".
std::optional<std::string> utf8_trouble(std::string_view text, std::string_view what);
// Whether text is nothing but white space.
bool is_blank(std::string_view text);

class PromptCollector {
 public:
  explicit PromptCollector(const PromptQuery& query);

  // The next data row. caption, file: nullopt for null; values: one for each filter, NaN for null. A row without a
  // caption is counted and not used; one without a name where files are needed, and one with text that is no UTF-8 or
  // holds a NUL byte, is left out.
  void add(std::optional<std::string_view> caption, std::span<const double> values, Place place,
           std::optional<std::string_view> file = {});
  // A data row that cannot be read.
  void leave_out(std::string_view what);
  // count captions are there: the rest of the file is not read.
  bool full() const;
  // Throws Error (kInput) for fewer captions than count, none, and too many left out.
  PromptSet finish(std::string text_column);

 private:
  bool passes(std::span<const double> values) const;
  void count_left_out(std::string_view what);
  std::optional<std::string> trouble_with(std::string_view caption, std::optional<std::string_view> file) const;

  const PromptQuery& query_;
  PromptSet set_;
  LeftOut left_out_;
};

}  // namespace fewstep
