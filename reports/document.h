#pragma once
#include "reports/axes.h"
#include "store/read.h"

#include <map>
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
  std::string marks = {};             // of notes: " [1] [3]"
  bool on_front = false;              // no other cell is faster and better
  std::optional<double> error = {};   // its standard error, where there is one

  std::string marked() const { return text + marks; }
};

struct Section {
  std::string title;
  std::vector<std::vector<Entry>> entries = {};            // [row][column]
  std::vector<std::vector<std::string>> more_labels = {};  // of rows below those that every section has
  bool has_own_rows = false;                               // these alone
  std::string marks = {};                                  // of notes, of every entry
  std::string images = {};                                 // "1,000 images" behind each number; empty where they differ

  std::string marked_title() const { return title + (images.empty() ? "" : ", " + images) + marks; }
};

// Columns that belong together, in order: those of one metric.
struct ColumnGroup {
  std::string title, marks;
  std::size_t columns = 0;
};

struct Document {
  std::string title;
  std::string experiment;  // its name, or those of several
  std::string images;      // "1000 images in each cell"; empty where they differ
  std::vector<std::string> row_headers;
  std::vector<std::vector<std::string>> row_labels;
  std::vector<std::string> methods;  // of the rows, one name for all labels (method_labels); empty where one is enough
  std::vector<std::string> column_headers;
  std::vector<ColumnGroup> groups;     // of all columns; empty where they stand alone
  std::vector<std::string> constants;  // what all rows have: "ω 7"
  std::vector<Section> sections;
  std::map<std::string, std::string> anchors;                   // of a page: where a row's label leads, "lost-1"
  std::vector<std::string> notes;                               // [1], [2] … of the entries
  std::vector<std::pair<std::string, std::string>> provenance;  // what it takes to run it again

  const std::vector<std::string>& labels(const Section& section, std::size_t row) const {
    const std::size_t common = section.has_own_rows ? 0 : row_labels.size();
    return row < common ? row_labels[row] : section.more_labels[row - common];
  }
};

// Rows named by the method alone; what all of them have is in constants.
Document with_methods(Document document, const Arrangement& arrangement);
// One table of all sections, a group of columns for each.
Document by_metric(Document document);

// Leaves of the provenance what a reader asks first, and names --full for the rest.
Document with_short_provenance(Document document);

// As a terminal of 120 columns shows it, and as Markdown.
// columns: of the terminal, to which long labels are shortened; 0 for a pipe or a file, where they are whole.
std::string terminal_text(Document document, bool colour, int columns = 0);
std::string markdown_of(const Document& document);
// The same for a paper, and as a row for each number: section, labels, column, value, standard error, text.
std::string latex_of(const Document& document);
std::string csv_of(const Document& document);

}  // namespace fewstep
