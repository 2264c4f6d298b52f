#pragma once
#include "reports/formats.h"
#include "reports/report_input.h"
#include "reports/view.h"

#include <array>
#include <string>
#include <string_view>

namespace fewstep {

// A format of `fewstep report`.
struct Printer {
  std::string_view name, ending;  // .csv is that of csv, or of samples-csv where --format says so
  bool is_binary;                 // or too long for a terminal
  std::string (*print)(const ReportInput& input);
  std::string (*print_view)(const View& view, const ViewOptions& options);  // of ablations and histories; or null
};

// The files of printers/ define these.
std::string print_terminal(const ReportInput& input);
std::string print_markdown(const ReportInput& input);
std::string print_latex(const ReportInput& input);  // a table for each section, or one by metric
std::string print_csv(const ReportInput& input);
std::string print_samples_csv(const ReportInput& input);  // a row for each image
std::string print_json(const ReportInput& input);
std::string print_html(const ReportInput& input);
std::string print_svg(const ReportInput& input);  // of one figure
std::string print_png(const ReportInput& input);

inline constexpr std::string_view kSamplesParquet = "samples-parquet", kParquetEnding = ".parquet";
inline constexpr std::array<Printer, 10> kPrinters{{
    {"table", ".txt", false, print_terminal, table_of_view},
    {"markdown", ".md", false, print_markdown, markdown_of_view},
    {"latex", ".tex", false, print_latex, latex_of_view},
    {"csv", ".csv", false, print_csv, csv_of_view},
    {"samples-csv", ".csv", false, print_samples_csv, nullptr},
    {kSamplesParquet, kParquetEnding, true, nullptr, nullptr},  // written by fewstep-engine, which has Arrow
    {"json", ".json", false, print_json, json_of_view},
    {"html", ".html", true, print_html, html_of_view},
    {"svg", ".svg", false, print_svg, svg_of_view},
    {"png", ".png", true, print_png, png_of_view},
}};
inline constexpr auto kReportFormats = formats_of(kPrinters);  // kPrinters itself is used by report.cpp alone

}  // namespace fewstep
