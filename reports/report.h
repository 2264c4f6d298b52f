#pragma once
#include "settings/cells.h"
#include "store/read.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// What tables may show beside metrics, by the names of --metric.
inline constexpr std::string_view kForwardsName = "forwards", kTimesName = "ms";

struct ReportRequest {
  std::filesystem::path store;                 // STORE, STORE#RUN or STORE#CHECKPOINT
  std::vector<std::string> more_stores;        // side by side, or of a history
  std::string only;                            // clauses that cells match (settings/cells.h)
  std::vector<std::string> metrics;            // by name, "forwards", "ms"; empty: all
  std::optional<std::string> history;          // a metric over checkpoints instead of a table
  std::optional<std::string> ablation;         // over a setting instead of a table
  std::optional<std::string> published;        // numbers of results/published beside ours
  int figure = 1;                              // of svg and png
  std::string format;                          // of kPrinters; empty: by the ending, table on out
  std::string rows, columns;                   // "checkpoint,sampler"; empty: the defaults
  std::optional<std::int64_t> run;             // nothing: the latest
  std::vector<std::filesystem::path> outputs;  // none: out
  bool full = false;                           // a table with its whole provenance
  bool colour = false;                         // of a table on out: wants_colour(1)
  bool terminal = false;                       // out is one: a page is not written there
  int grid_prompts = 8;                        // of a page's image grid
  bool remake_pictures = false;                // those that a page wants and that were not kept, first
};

// The bytes of samples-parquet (cli/samples_parquet.h).
using PrintParquet = std::function<std::string(const ReportRequest& request)>;

// Returns the exit code. Throws Error: kUsage for an unknown format, ending or axis and a page for a terminal, kInput
// for a store that cannot be read, kEnvironment for an output file that cannot be written. err says which cells are not
// complete.
int run_report(const ReportRequest& request, std::ostream& out, std::ostream& err, const PrintParquet& parquet = {});

// What a printer of the request uses (reports/printers.h), for as long as use runs.
struct ReportInput;
void with_report_input(const ReportRequest& request, const std::function<void(const ReportInput& input)>& use);

// A prompt's first image of a cell, which was not kept.
struct WantedPicture {
  StoredCell cell;
  Cell described;
  std::int64_t prompt_row = 0;
};
// Of a store the pictures that a page would show and that were not kept.
struct WantedPictures {
  std::filesystem::path store;
  std::vector<WantedPicture> pictures;
};
std::vector<WantedPictures> wanted_pictures(const ReportRequest& request);  // of each store that it reads

// The table of a run as a terminal shows it, for the end of `fewstep run`.
void print_table(Store& store, std::int64_t run_id, std::ostream& out, bool colour);

// Of standard output; 0 where it is no terminal, or does not know.
int terminal_columns();
// A terminal that shows bold, and no NO_COLOR (no-color.org).
bool wants_colour(int descriptor);

}  // namespace fewstep
