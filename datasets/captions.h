#pragma once
#include "datasets/shapes.h"

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace fewstep {

// One caption: row is its number in the source file (0-based, data rows only), before any filter.
struct Prompt {
  std::int64_t row = 0;
  std::string text;
  std::string file = {};  // of its image, where the query asks for files
};

struct RowFilter {  // [prompts] where = [ { column = "AESTHETIC_SCORE", at_least = 6.0, at_most = … } ]
  std::string column;
  double at_least = -std::numeric_limits<double>::infinity();
  double at_most = std::numeric_limits<double>::infinity();
};

// Captions of the built-in scenes; row = index.
struct ShapesQuery {
  ShapeSplit split = ShapeSplit::kTest;
  ShapeStyle style = ShapeStyle::kFilled;
};

struct PromptQuery {
  std::filesystem::path file = {};       // .parquet .tsv .csv .jsonl .txt
  std::optional<std::string> text = {};  // column or key; found by itself where only one fits
  std::vector<RowFilter> where = {};
  std::optional<std::int64_t> count = {};  // the first so many that pass the filter; the file is read no further
  bool files = false;  // a column of file names, too (not in .txt); an empty caption or name is an error then
  std::optional<std::string> file_column = {};  // found by itself where only one has a usual name
  std::optional<ShapesQuery> shapes = {};       // instead of file; needs count, and has no columns
};

struct PromptSet {
  std::vector<Prompt> prompts;
  std::string source;       // SHA-256 of the file, or shapes_hash: with row, the identity of a prompt
  std::string text_column;  // the one used; empty for .txt
  std::int64_t rows_read = 0, rows_filtered = 0, rows_empty = 0;  // empty or null captions are counted, not used
};

// .csv follows RFC 4180; in .tsv a field quoted on its own line by the same rules is unquoted, any other quote is text;
// .jsonl: the first record says which keys there are, a later one may leave some out; .txt: a caption a line.
// Throws Error: kInput for a broken file (with line or row), a missing column (naming those that exist), fewer rows
// than count; kUsage for an unknown extension, and for shapes without count.
PromptSet read_prompts(const PromptQuery& query);

}  // namespace fewstep
