#include "reports/document.h"
#include "reports/printers.h"
#include "reports/safe_text.h"
#include "reports/table_document.h"

#include <fmt/format.h>

namespace fewstep {
namespace {

void append_row(std::string& out, const std::vector<std::string>& labels, const std::vector<std::string>& values) {
  out += "|";
  for (const auto* cells : {&labels, &values})
    for (const std::string& cell : *cells) out += " " + cell + " |";
  out += "\n";
}

std::vector<std::string> escaped(const std::vector<std::string>& texts) {
  std::vector<std::string> result;
  for (const std::string& text : texts) result.push_back(markdown_text(text));
  return result;
}

void append_section(std::string& out, const Document& document, const Section& section) {
  out += section.title.empty() ? "\n" : "\n### " + markdown_text(section.marked_title()) + "\n\n";
  std::vector<std::string> columns = document.column_headers;
  for (std::size_t group = 0, column = 0; group < document.groups.size(); ++group)
    for (std::size_t i = 0; i < document.groups[group].columns; ++i, ++column)
      columns[column] = document.groups[group].title + document.groups[group].marks + ", " + columns[column];
  append_row(out, escaped(document.row_headers), escaped(columns));
  append_row(out, std::vector<std::string>(document.row_headers.size(), ":--"),
             std::vector<std::string>(document.column_headers.size(), "--:"));
  for (std::size_t row = 0; row < section.entries.size(); ++row) {
    std::vector<std::string> values;
    for (const Entry& entry : section.entries[row]) {
      const std::string text = markdown_text(entry.marked());
      values.push_back(entry.best ? "**" + text + "**" : text);
    }
    append_row(out, escaped(document.labels(section, row)), values);
  }
}

}  // namespace

std::string print_markdown(const ReportInput& input) { return markdown_of(document_of(input)); }

std::string markdown_of(const Document& document) {
  std::string out = "## " + markdown_text(document.title) + "\n";
  for (const Section& section : document.sections) append_section(out, document, section);
  if (!document.notes.empty()) out += "\n";
  for (std::size_t i = 0; i < document.notes.size(); ++i)
    out += fmt::format("- \\[{}\\] {}\n", i + 1, markdown_text(document.notes[i]));
  out += "\n";
  for (const auto& [name, text] : document.provenance) out += "- **" + name + "**: " + markdown_text(text) + "\n";
  return out;
}

}  // namespace fewstep
