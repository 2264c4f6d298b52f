#include "reports/document.h"
#include "reports/printers.h"
#include "reports/safe_text.h"

#include <fmt/format.h>

namespace fewstep {
namespace {

std::string joined(const std::vector<std::string>& cells) {
  std::string line;
  for (const std::string& cell : cells) line += (line.empty() ? "" : " & ") + cell;
  return "  " + line + " \\\\\n";
}

void append_section(std::string& out, const Document& document, const Section& section) {
  out += "\n\\begin{table}\n  \\centering\n  \\caption{" + latex_text(section.title) + "}\n";
  out += "  \\begin{tabular}{" + std::string(document.row_headers.size(), 'l') +
         std::string(document.column_headers.size(), 'r') + "}\n  \\toprule\n";
  std::vector<std::string> heads;
  for (const auto* headers : {&document.row_headers, &document.column_headers})
    for (const std::string& header : *headers) heads.push_back(latex_text(header));
  out += joined(heads) + "  \\midrule\n";
  for (std::size_t row = 0; row < section.entries.size(); ++row) {
    std::vector<std::string> cells;
    for (const std::string& label : document.labels(section, row)) cells.push_back(latex_text(label));
    for (const Entry& entry : section.entries[row]) {
      const std::string text = latex_text(entry.text);
      cells.push_back(entry.best ? "\\textbf{" + text + "}" : text);
    }
    out += joined(cells);
  }
  out += "  \\bottomrule\n  \\end{tabular}\n\\end{table}\n";
}

}  // namespace

std::string print_latex(const ReportInput& input) {
  const Document document = document_of(input);
  std::string out = "% " + one_line(document.title) +
                    "\n% Needs \\usepackage{booktabs}; bold cannot be told from the best of its column.\n";
  for (const Section& section : document.sections) append_section(out, document, section);
  out += "\n";
  for (std::size_t i = 0; i < document.notes.size(); ++i)
    out += fmt::format("\\noindent {{[}}{}{{]}} {}\n\n", i + 1, latex_text(document.notes[i]));
  for (const auto& [name, text] : document.provenance) out += "% " + name + ": " + one_line(text) + "\n";
  return out;
}

}  // namespace fewstep
