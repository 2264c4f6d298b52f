// Tables as a paper takes them: booktabs, notes by threeparttable, what all rows have in the caption. A table that is
// wider than the text is made smaller (graphicx), so that no line sticks out of a column.
#include "reports/document.h"
#include "reports/printers.h"
#include "reports/safe_text.h"
#include "reports/table_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

namespace fewstep {
namespace {

constexpr std::size_t kMostOfOneColumn = 5;  // columns of numbers; a table with more spans both columns of a page

// " [1] [3]" as the numbers of notes.
std::vector<int> notes_of(std::string_view marks) {
  std::vector<int> notes;
  int number = 0;
  for (const char c : marks) {
    if (std::isdigit(static_cast<unsigned char>(c))) number = number * 10 + (c - '0');
    if (c == ']') notes.push_back(std::exchange(number, 0));
  }
  return notes;
}

std::string superscript(std::string_view marks, std::set<int>& used) {
  std::string text;
  for (const int note : notes_of(marks)) {
    used.insert(note);
    text += fmt::format("\\tnote{{{}}}", note);
  }
  return text;
}

// A number's minus is a minus, and its standard error is smaller than it.
std::string number_text(const Entry& entry) {
  std::string text = entry.text == "–" ? "−" : entry.text;
  if (entry.number && text.starts_with('-')) text.replace(0, 1, "−");
  constexpr std::string_view kError = " ± ";
  const auto at = text.find(kError);
  const std::string value = latex_text(text.substr(0, at));
  const std::string bold = entry.best ? "\\textbf{" + value + "}" : value;
  if (at == std::string::npos) return bold;
  return bold + "\\,{\\scriptsize$\\pm$" + latex_text(text.substr(at + kError.size())) + "}";
}

// Of rows below those that all sections have, whose labels carry their notes: "floor [1]".
std::string label_text(const std::string& label, bool may_have_notes, std::size_t notes, std::set<int>& used) {
  const auto mark = label.rfind(" [");
  if (!may_have_notes || mark == std::string::npos || !label.ends_with("]")) return latex_text(label);
  const auto numbers = notes_of(label.substr(mark));
  const bool known = numbers.size() == 1 && numbers[0] >= 1 && numbers[0] <= static_cast<int>(notes);
  return known ? latex_text(label.substr(0, mark)) + superscript(label.substr(mark), used) : latex_text(label);
}

// "tab:pocket-fd-pocket": letters and digits of the text.
std::string label_of(const std::string& text, std::set<std::string>& taken) {
  std::string label = "tab:";
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)))
      label += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    else if (label.back() != '-' && label.back() != ':')
      label += '-';
  }
  while (label.ends_with('-')) label.pop_back();
  for (int n = 2; !taken.insert(label).second; ++n) {
    const auto number = label.rfind("--");
    label = fmt::format("{}--{}", label.substr(0, number), n);
  }
  return label;
}

class Table {
 public:
  Table(const Document& document, const Section& section) : document_(document), section_(section) {}

  std::string print(std::set<std::string>& labels) {
    const std::string rows = rows_text(), heads = heads_text();  // which say what notes there are
    const bool wide = document_.column_headers.size() > kMostOfOneColumn;
    const std::string environment = wide ? "table*" : "table";
    std::string out = "\n\\begin{" + environment + "}\n  \\centering\n  \\caption{" + caption() + "}\n";
    out += "  \\label{" + label_of(name(), labels) + "}\n  \\footnotesize\n  \\setlength{\\tabcolsep}{4pt}\n";
    out += "  \\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%\n  \\begin{threeparttable}\n";
    out += "  \\begin{tabular}{@{}" + std::string(document_.row_headers.size(), 'l') +
           std::string(document_.column_headers.size(), 'r') + "@{}}\n  \\toprule\n" + heads + "  \\midrule\n" + rows +
           "  \\bottomrule\n  \\end{tabular}\n";
    return out + notes_text() + "  \\end{threeparttable}}\n\\end{" + environment + "}\n";
  }

 private:
  static std::string line(const std::vector<std::string>& cells) {
    return fmt::format("  {} \\\\\n", fmt::join(cells, " & "));
  }

  std::string rows_text() {
    std::string out;
    for (std::size_t row = 0; row < section_.entries.size(); ++row) {
      const bool more = section_.has_own_rows || row >= document_.row_labels.size();
      std::vector<std::string> cells;
      for (const std::string& label : document_.labels(section_, row))
        cells.push_back(label_text(label, more, document_.notes.size(), used_));
      for (const Entry& entry : section_.entries[row])
        cells.push_back(number_text(entry) + superscript(entry.marks, used_));
      out += line(cells);
    }
    return out;
  }

  // "4 steps" as "4" under a group's title: the caption says of what.
  std::string heads_text() {
    std::vector<std::string> heads;
    for (const std::string& header : document_.row_headers) heads.push_back(head_text(header));
    std::string out;
    if (!document_.groups.empty()) {
      std::vector<std::string> titles(document_.row_headers.size(), "");
      std::string rules;
      std::size_t column = document_.row_headers.size() + 1;
      for (const ColumnGroup& group : document_.groups) {
        titles.push_back(fmt::format("\\multicolumn{{{}}}{{c}}{{{}{}}}", group.columns, latex_text(group.title),
                                     superscript(group.marks, used_)));
        rules += fmt::format(" \\cmidrule(lr){{{}-{}}}", column, column + group.columns - 1);
        column += group.columns;
      }
      out += line(titles) + " " + rules + "\n";
    }
    for (const std::string& header : document_.column_headers) heads.push_back(head_text(short_head(header)));
    return out + line(heads);
  }

  // Guidance by its letter: "omega (scale)", "omega 7 (8)".
  static std::string head_text(const std::string& header) {
    constexpr std::string_view kOmega = "omega";
    return header.starts_with(kOmega) ? "$\\omega$" + latex_text(header.substr(kOmega.size())) : latex_text(header);
  }

  std::string short_head(const std::string& header) const {
    if (document_.groups.empty()) return header;
    for (const std::string_view word : {" steps", " step"})
      if (header.ends_with(word)) return header.substr(0, header.size() - word.size());
    return header;
  }

  // Those of every number without a mark.
  std::string notes_text() const {
    const auto text = [&](int note) { return latex_text(document_.notes[static_cast<std::size_t>(note - 1)]); };
    std::string items;
    for (const int note : notes_of(section_.marks)) items += "  \\item[] " + text(note) + "\n";
    for (const int note : used_) items += fmt::format("  \\item[{}] {}\n", note, text(note));
    return items.empty() ? "" : "  \\begin{tablenotes}[flushleft]\\footnotesize\n" + items + "  \\end{tablenotes}\n";
  }

  std::string name() const { return document_.experiment + (document_.groups.empty() ? " " + section_.title : ""); }

  std::string caption() {
    std::string text = document_.groups.empty() ? latex_text(section_.title) : "";
    for (std::size_t i = 0; i < document_.groups.size(); ++i)
      text += (i == 0 ? "" : i + 1 == document_.groups.size() ? " and " : ", ") + latex_text(document_.groups[i].title);
    if (!document_.groups.empty()) text += " by number of steps";
    for (const std::string& constant : document_.constants) text += ", " + latex_text(constant);
    const bool errors = text_has("±"), bold = any_bold();
    text += ".";
    if (!document_.images.empty()) text += " " + latex_text(document_.images) + ".";
    if (errors) text += " $\\pm$ is one standard error.";
    if (bold) text += " Bold cannot be told from the best of its column.";
    return text;
  }

  bool text_has(std::string_view what) const {
    return any([&](const Entry& entry) { return entry.text.find(what) != std::string::npos; });
  }
  bool any_bold() const {
    return any([](const Entry& entry) { return entry.best; });
  }
  template <typename Test>
  bool any(Test test) const {
    return std::any_of(section_.entries.begin(), section_.entries.end(),
                       [&](const auto& row) { return std::any_of(row.begin(), row.end(), test); });
  }

  const Document& document_;
  const Section& section_;
  std::set<int> used_;
};

}  // namespace

std::string print_latex(const ReportInput& input) {
  Document document = document_of(input);
  if (!input.by_metric) document = with_methods(std::move(document), input.arrangement);
  return latex_of(document);
}

std::string latex_of(const Document& document) {
  std::string out = "% " + one_line(document.title) + "\n% Needs \\usepackage{booktabs,threeparttable,graphicx}\n";
  std::set<std::string> labels;
  for (const Section& section : document.sections) out += Table(document, section).print(labels);
  out += "\n";
  for (const auto& [name, text] : document.provenance) out += "% " + name + ": " + one_line(text) + "\n";
  return out;
}

}  // namespace fewstep
