#pragma once
#include "reports/formats.h"
#include "reports/report_input.h"

#include <array>
#include <string>
#include <string_view>

namespace fewstep {

// A format of `fewstep report`.
struct Printer {
  std::string_view name, ending;  // .csv is that of csv, or of samples-csv where --format says so
  std::string (*print)(const ReportInput& input);
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
    {"table", ".txt", print_terminal},
    {"markdown", ".md", print_markdown},
    {"latex", ".tex", print_latex},
    {"csv", ".csv", print_csv},
    {"samples-csv", ".csv", print_samples_csv},
    {kSamplesParquet, kParquetEnding, nullptr},  // written by fewstep-engine, which has Arrow
    {"json", ".json", print_json},
    {"html", ".html", print_html},
    {"svg", ".svg", print_svg},
    {"png", ".png", print_png},
}};
inline constexpr auto kReportFormats = formats_of(kPrinters);  // kPrinters itself is used by report.cpp alone

}  // namespace fewstep
