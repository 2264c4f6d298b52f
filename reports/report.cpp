#include "reports/report.h"

#include "core/error.h"
#include "core/files.h"
#include "core/names.h"
#include "reports/ablation.h"
#include "reports/axes.h"
#include "reports/history.h"
#include "reports/printers.h"
#include "reports/published.h"

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

int write(const ReportRequest& request, const std::string& text, std::ostream& out) {
  if (request.output) {
    write_file_atomically(*request.output, text);
  } else {
    out << text;
    if (!out.flush()) throw environment_error("standard output", "cannot be written to its end");
  }
  return static_cast<int>(ExitCode::kOk);
}

}  // namespace

int run_report(const ReportRequest& request, std::ostream& out, std::ostream& err) {
  const Printer& printer = find_by_name(kPrinters, request.format, "--format");
  const bool picture = request.format == "html" || request.format == "png";
  if (picture && request.terminal && !request.output)
    throw usage_error("--format " + request.format, "expected -o FILE or a pipe: it does not belong on a terminal");
  if (request.history) {
    if (request.ablation || request.published)
      throw usage_error("--history", "expected it without --ablation and --published, got both");
    auto stores = request.more_stores;
    stores.insert(stores.begin(), request.store);
    return write(request,
                 print_view(history_of(stores, *request.history), request.format, request.colour && !request.output,
                            request.figure),
                 out);
  }
  if (!request.more_stores.empty()) throw usage_error("STORE", "expected one store; --history takes several");
  const auto rows = parse_axes("--rows", request.rows);
  const auto columns = parse_axes("--columns", request.columns);
  const auto published = request.published ? std::optional(read_published(*request.published)) : std::nullopt;
  auto store = Store::open(request.store, Store::Mode::kRead);
  const StoredTable table = read_table(store, request.run);
  if (request.ablation)
    return write(request,
                 print_view(ablation_of(store, table, *request.ablation, published), request.format,
                            request.colour && !request.output, request.figure),
                 out);
  const Arrangement arrangement = arrange(table.cells, rows, columns);
  const std::string text = printer.print({store, table, arrangement, request.colour && !request.output,
                                          request.grid_prompts, published ? &*published : nullptr, request.figure});
  warn_of_gaps(table, err);
  return write(request, text, out);
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
