#pragma once
#include "store/store.h"

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace fewstep {

struct ReportRequest {
  std::filesystem::path store;
  std::vector<std::filesystem::path> more_stores;  // of a history
  std::optional<std::string> history;              // a metric over checkpoints instead of a table
  std::optional<std::string> ablation;             // over a setting instead of a table
  std::optional<std::string> published;            // numbers of results/published beside ours
  int figure = 1;                                  // of svg and png
  std::string format = "table";                    // of kPrinters
  std::string rows, columns;                       // "checkpoint,sampler"; empty: the defaults
  std::optional<std::int64_t> run;                 // nothing: the latest
  std::optional<std::filesystem::path> output;     // nothing: out
  bool colour = false;                             // of a table on out: wants_colour(1)
  bool terminal = false;                           // out is one: a page is not written there
  int grid_prompts = 8;                            // of a page's image grid
};

// Returns the exit code. Throws Error: kUsage for an unknown format or axis and a page for a terminal, kInput for a
// store that cannot be read, kEnvironment for an output file that cannot be written. err says which cells are not
// complete.
int run_report(const ReportRequest& request, std::ostream& out, std::ostream& err);

// The table of a run as a terminal shows it, for the end of `fewstep run`.
void print_table(Store& store, std::int64_t run_id, std::ostream& out, bool colour);

// A terminal that shows bold, and no NO_COLOR (no-color.org).
bool wants_colour(int descriptor);

}  // namespace fewstep
