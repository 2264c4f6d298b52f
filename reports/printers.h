#pragma once
#include "reports/arm.h"
#include "reports/axes.h"
#include "reports/formats.h"
#include "store/read.h"

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

struct Document;
struct Published;

// What a printer may use.
struct ReportInput {
  std::span<const Arm> arms;  // at least one
  const StoredTable& table;   // of all (side_by_side)
  const Arrangement& arrangement;
  bool colour = false;   // of a table on a terminal
  bool full = false;     // with its whole provenance
  int columns = 0;       // of the terminal; 0: a pipe or a file
  int grid_prompts = 8;  // of a page's image grid
  const Published* published = nullptr;
  int figure = 1;                      // of a picture
  bool by_metric = false;              // one table, whose columns are those of each metric: `--columns metric,steps`
  bool forwards = true, times = true;  // whether tables of them are wanted
};

Document document_of(const ReportInput& input);

struct PagePicture;
// What a page would show of single prompts and no store has kept: extremes of cells, losses of students
// (reports/gallery.h).
std::vector<PagePicture> missing_pictures(const ReportInput& input);

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
