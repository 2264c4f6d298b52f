#pragma once
#include "reports/axes.h"
#include "store/read.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fewstep {

// A table as a terminal or Markdown shows it: the same rows and columns once for each measure. All texts are raw; the
// printers make them safe.
struct Entry {
  std::string text;                   // never empty: a number, or what there is instead of one
  bool best = false;                  // cannot be told from the best of its column
  std::optional<double> number = {};  // by which rows can be sorted; nothing where text is no number
};

struct Section {
  std::string title;
  std::vector<std::vector<Entry>> entries = {};            // [row][column]
  std::vector<std::vector<std::string>> more_labels = {};  // of rows below those that every section has
  bool has_own_rows = false;                               // these alone
};

struct Document {
  std::string title;
  std::vector<std::string> row_headers;
  std::vector<std::vector<std::string>> row_labels;
  std::vector<std::string> column_headers;
  std::vector<Section> sections;
  std::vector<std::string> notes;                               // [1], [2] … of the entries
  std::vector<std::pair<std::string, std::string>> provenance;  // what it takes to run it again

  const std::vector<std::string>& labels(const Section& section, std::size_t row) const {
    const std::size_t common = section.has_own_rows ? 0 : row_labels.size();
    return row < common ? row_labels[row] : section.more_labels[row - common];
  }
};

// As a terminal of 120 columns shows it, and as Markdown.
std::string terminal_text(Document document, bool colour);
std::string markdown_of(const Document& document);

}  // namespace fewstep
