#include "reports/document.h"
#include "reports/printers.h"
#include "reports/safe_text.h"
#include "reports/table_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fewstep {
namespace {

constexpr int kGap = 2;
constexpr int kWidth = 120, kLeastColumns = 40;

std::string pad(const std::string& text, int width, bool right) {
  const std::string space(static_cast<std::size_t>(std::max(0, width - display_width(text))), ' ');
  return right ? space + text : text + space;
}

// Lines of at most width columns, broken at spaces; those after the first are indented.
void append_wrapped(std::string& out, std::string_view text, int width, int indent) {
  int used = 0;
  bool first_word = true;
  while (!text.empty()) {
    const auto space = std::min(text.find(' ', 1), text.size());
    std::string_view word = text.substr(0, space);
    const int columns = display_width(word);
    if (!first_word && used + columns > width) {
      out += "\n" + std::string(static_cast<std::size_t>(indent), ' ');
      used = indent;
      if (word.front() == ' ') word.remove_prefix(1);
    }
    out += word;
    used += display_width(word);
    first_word = false;
    text.remove_prefix(space);
  }
  out += "\n";
}

class Terminal {
 public:
  // columns: of a terminal; 0 for a pipe.
  Terminal(Document document, bool colour, int columns)
      : document_(std::move(document)),
        colour_(colour),
        width_(columns > 0 ? std::max(columns, kLeastColumns) : kWidth),
        label_columns_(columns > 0 ? width_ / 2 : 0) {
    for (std::size_t axis = 0; axis < document_.row_headers.size(); ++axis) {
      int widest = display_width(document_.row_headers[axis]);
      for (const auto& labels : document_.row_labels)
        widest = std::max(widest, display_width(label_text(labels[axis])));
      for (const Section& section : document_.sections)
        for (const auto& labels : section.more_labels)
          widest = std::max(widest, display_width(label_text(labels[axis])));
      label_widths_.push_back(widest);
      labels_width_ += widest + kGap;
    }
  }

  std::string print() {
    out_ = one_line(document_.title) + "\n";
    for (const Section& section : document_.sections) print_section(section);
    if (!document_.notes.empty()) out_ += "\n";
    for (std::size_t i = 0; i < document_.notes.size(); ++i)
      append_wrapped(out_, fmt::format("[{}] {}", i + 1, one_line(document_.notes[i])), width_, 4);
    out_ += "\n";
    for (const auto& [name, text] : document_.provenance)
      append_wrapped(out_, pad(name, kNameWidth, false) + one_line(text), width_, kNameWidth);
    return out_;
  }

 private:
  static constexpr int kNameWidth = 17;

  void print_section(const Section& section) {
    out_ += "\n" + (section.title.empty() ? "" : one_line(section.marked_title()) + "\n");
    const auto widths = column_widths(section);
    // Columns stand side by side as long as they fit; the rest follows below, with the labels again.
    for (std::size_t begin = 0; begin < widths.size();) {
      std::size_t end = begin;
      for (int used = labels_width_; end < widths.size(); ++end) {
        used += widths[end] + (end > begin ? kGap : 0);
        if (used > width_ && end > begin) break;
      }
      print_columns(section, widths, begin, end);
      begin = end;
    }
  }

  std::vector<int> column_widths(const Section& section) const {
    std::vector<int> widths;
    for (std::size_t column = 0; column < document_.column_headers.size(); ++column) {
      int widest = display_width(label_text(document_.column_headers[column]));
      for (const auto& row : section.entries) widest = std::max(widest, display_width(row[column].marked()));
      widths.push_back(widest);
    }
    // A group's first column makes room for a title that is wider than its columns.
    for (std::size_t group = 0, first = 0; group < document_.groups.size();
         first += document_.groups[group++].columns) {
      int width = -kGap;
      for (std::size_t i = 0; i < document_.groups[group].columns; ++i) width += widths[first + i] + kGap;
      widths[first] += std::max(0, display_width(group_title(group)) - width);
    }
    return widths;
  }

  // Names are whole in a pipe; a terminal keeps half of its columns for numbers.
  std::string label_text(const std::string& label) const {
    const std::string line = one_line(label);
    return label_columns_ > 0 ? shortened_in_the_middle(line, label_columns_) : line;
  }

  std::string group_title(std::size_t group) const {
    return one_line(document_.groups[group].title + document_.groups[group].marks);
  }

  // Each group's title above those of its columns that are shown.
  void print_groups(const std::vector<int>& widths, std::size_t begin, std::size_t end) {
    if (document_.groups.empty()) return;
    out_ += std::string(static_cast<std::size_t>(labels_width_), ' ');
    for (std::size_t group = 0, first = 0; group < document_.groups.size();
         first += document_.groups[group++].columns) {
      const std::size_t from = std::max(first, begin), to = std::min(first + document_.groups[group].columns, end);
      if (from >= to) continue;
      int width = -kGap;
      for (std::size_t column = from; column < to; ++column) width += widths[column] + kGap;
      add_field(pad(shortened(group_title(group), width), width, true), from > begin);
    }
    out_ += "\n";
  }

  void print_columns(const Section& section, const std::vector<int>& widths, std::size_t begin, std::size_t end) {
    print_groups(widths, begin, end);
    print_labels(document_.row_headers);
    for (std::size_t column = begin; column < end; ++column)
      add_field(pad(label_text(document_.column_headers[column]), widths[column], true), column > begin);
    out_ += "\n";
    for (std::size_t row = 0; row < section.entries.size(); ++row) {
      print_labels(document_.labels(section, row));
      for (std::size_t column = begin; column < end; ++column) {
        const Entry& entry = section.entries[row][column];
        const std::string text = entry.marked();
        const std::string blank(static_cast<std::size_t>(widths[column] - display_width(text)), ' ');
        add_field(blank + (entry.best && colour_ ? "\x1b[1m" + text + "\x1b[0m" : text), column > begin);
      }
      out_ += "\n";
    }
  }

  void print_labels(const std::vector<std::string>& labels) {
    for (std::size_t axis = 0; axis < labels.size(); ++axis)
      out_ += pad(label_text(labels[axis]), label_widths_[axis] + kGap, false);
  }

  void add_field(const std::string& text, bool gap) { out_ += (gap ? std::string(kGap, ' ') : "") + text; }

  const Document document_;
  bool colour_;
  int width_, label_columns_;
  std::vector<int> label_widths_;
  int labels_width_ = 0;
  std::string out_;
};

}  // namespace

std::string terminal_text(Document document, bool colour, int columns) {
  return Terminal(std::move(document), colour, columns).print();
}

std::string print_terminal(const ReportInput& input) {
  Document document = document_of(input);
  return terminal_text(input.full ? std::move(document) : with_short_provenance(std::move(document)), input.colour,
                       input.columns);
}

}  // namespace fewstep
