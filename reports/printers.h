#pragma once
#include "reports/axes.h"
#include "store/read.h"

#include <array>
#include <string>
#include <string_view>

namespace fewstep {

struct Document;
struct Published;

// What a printer may use.
struct ReportInput {
  Store& store;
  const StoredTable& table;
  const Arrangement& arrangement;
  bool colour = false;   // of a table on a terminal
  int grid_prompts = 8;  // of a page's image grid
  const Published* published = nullptr;
  int figure = 1;  // of a picture
};
Document document_of(const ReportInput& input);

// A format of `fewstep report`.
struct Printer {
  std::string_view name;
  std::string (*print)(const ReportInput& input);
};

// The files of printers/ define these.
std::string print_terminal(const ReportInput& input);
std::string print_markdown(const ReportInput& input);
std::string print_latex(const ReportInput& input);  // a booktabs table for each section
std::string print_csv(const ReportInput& input);
std::string print_json(const ReportInput& input);
std::string print_html(const ReportInput& input);
std::string print_svg(const ReportInput& input);  // of one figure
std::string print_png(const ReportInput& input);

inline constexpr std::array<Printer, 8> kPrinters{{
    {"table", print_terminal},
    {"markdown", print_markdown},
    {"latex", print_latex},
    {"csv", print_csv},
    {"json", print_json},
    {"html", print_html},
    {"svg", print_svg},
    {"png", print_png},
}};

// The names alone, for the command line, which links no printer: kPrinters itself is used by report.cpp alone.
inline constexpr auto kPrinterNames = [] {
  std::array<std::string_view, kPrinters.size()> names{};
  for (std::size_t i = 0; i < names.size(); ++i) names[i] = kPrinters[i].name;
  return names;
}();

}  // namespace fewstep
