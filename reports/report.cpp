#include "reports/report.h"

#include "core/error.h"
#include "core/files.h"
#include "core/names.h"
#include "reports/document.h"
#include "reports/printers/html.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ostream>

namespace fewstep {
namespace {

constexpr std::array<std::string_view, 6> kFormats{"table", "markdown", "latex", "csv", "json", "html"};

std::string print(const ReportRequest& request, Store& store, const StoredTable& table,
                  const Arrangement& arrangement) {
  if (request.format == "csv") return print_csv(table);
  if (request.format == "json") return print_json(table);
  if (request.format == "html") return print_html(store, table, arrangement, request.grid_prompts);
  const Document document = make_document(table, arrangement);
  if (request.format == "markdown") return print_markdown(document);
  if (request.format == "latex") return print_latex(document);
  return print_terminal(document, request.colour && !request.output);
}

void warn_of_gaps(const StoredTable& table, std::ostream& err) {
  const auto complete = std::count_if(table.cells.begin(), table.cells.end(),
                                      [](const StoredCell& cell) { return cell.state == CellState::kComplete; });
  const auto missing = static_cast<std::ptrdiff_t>(table.cells.size()) - complete;
  if (missing > 0) err << "report: " << missing << " of " << table.cells.size() << " cells are not complete\n";
}

}  // namespace

int run_report(const ReportRequest& request, std::ostream& out, std::ostream& err) {
  if (std::find(kFormats.begin(), kFormats.end(), request.format) == kFormats.end())
    throw usage_error("--format", unknown_name(request.format, kFormats));
  if (request.format == "html" && request.terminal && !request.output)
    throw usage_error("--format html",
                      "expected -o FILE: a page of a megabyte is nothing for a terminal (a pipe takes it)");
  const auto rows = parse_axes("--rows", request.rows);
  const auto columns = parse_axes("--columns", request.columns);
  auto store = Store::open(request.store, Store::Mode::kRead);
  const StoredTable table = read_table(store, request.run);
  const std::string text = print(request, store, table, arrange(table.cells, rows, columns));
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
  out << print_terminal(make_document(table, arrange(table.cells, {}, {})), colour) << std::flush;
}

bool wants_colour(int descriptor) {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return ::isatty(descriptor) && !(no_colour && *no_colour) && !(terminal && std::string_view(terminal) == "dumb");
}

}  // namespace fewstep
