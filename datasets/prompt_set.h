#pragma once
#include "core/left_out.h"
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

// Whether a table's column of file names is read.
enum class FileNames { kIgnored, kWhereThere, kNeeded };

struct PromptQuery {
  std::filesystem::path file = {};       // .parquet .tsv .csv .jsonl .txt
  std::optional<std::string> text = {};  // column or key; found by itself where only one fits
  std::vector<RowFilter> where = {};
  std::optional<std::int64_t> count = {};  // the first N that pass the filter; the file is read no further
  FileNames files = FileNames::kIgnored;
  std::optional<std::string> file_column = {};  // found by itself where only one has a usual name
  double max_left_out = kMaxLeftOut;            // part of the rows whose text may be broken
  bool can_raise = true;                        // whether the user can name another part
  std::optional<ShapesQuery> shapes = {};       // instead of file; needs count, and has no columns
};

struct PromptSet {
  std::vector<Prompt> prompts;
  std::string source;        // SHA-256 of the file, or shapes_hash: with row, the identity of a prompt
  std::string text_column;   // the one used; empty where columns have no names
  std::string dialect;       // of a table of text, where its ending does not say it: "semicolons"
  bool names_files = false;  // prompts have a file
  std::int64_t rows_read = 0, rows_filtered = 0, rows_empty = 0;  // empty or null captions are counted, not used
  std::int64_t rows_left_out = 0;
};

}  // namespace fewstep
