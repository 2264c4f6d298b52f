#include "reports/report.h"

#include "core/error.h"
#include "core/files.h"
#include "core/names.h"
#include "reports/axes.h"
#include "reports/printers.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ostream>

namespace fewstep {
namespace {

void warn_of_gaps(const StoredTable& table, std::ostream& err) {
  const auto complete = std::count_if(table.cells.begin(), table.cells.end(),
                                      [](const StoredCell& cell) { return cell.state == CellState::kComplete; });
  const auto missing = static_cast<std::ptrdiff_t>(table.cells.size()) - complete;
  if (missing > 0) err << "report: " << missing << " of " << table.cells.size() << " cells are not complete\n";
}

}  // namespace

int run_report(const ReportRequest& request, std::ostream& out, std::ostream& err) {
  const Printer& printer = find_by_name(kPrinters, request.format, "--format");
  if (request.format == "html" && request.terminal && !request.output)
    throw usage_error("--format html",
                      "expected -o FILE or a pipe: a page of a megabyte does not belong on a terminal");
  const auto rows = parse_axes("--rows", request.rows);
  const auto columns = parse_axes("--columns", request.columns);
  auto store = Store::open(request.store, Store::Mode::kRead);
  const StoredTable table = read_table(store, request.run);
  const Arrangement arrangement = arrange(table.cells, rows, columns);
  const std::string text =
      printer.print({store, table, arrangement, request.colour && !request.output, request.grid_prompts});
  warn_of_gaps(table, err);
  if (request.output) {
    write_file_atomically(*request.output, text);
  } else {
    out << text;
    if (!out.flush()) throw environment_error("standard output", "cannot be written to its end");
  }
  return static_cast<int>(ExitCode::kOk);
}

void print_table(Store& store, std::int64_t run_id, std::ostream& out, bool colour) {
  const StoredTable table = read_table(store, run_id);
  const Arrangement arrangement = arrange(table.cells, {}, {});
  out << print_terminal({store, table, arrangement, colour}) << std::flush;
}

bool wants_colour(int descriptor) {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return ::isatty(descriptor) && !(no_colour && *no_colour) && !(terminal && std::string_view(terminal) == "dumb");
}

}  // namespace fewstep
