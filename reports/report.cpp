#include "reports/report.h"

#include "core/error.h"
#include "core/files.h"
#include "core/names.h"
#include "reports/ablation.h"
#include "reports/arm.h"
#include "reports/axes.h"
#include "reports/gallery.h"
#include "reports/history.h"
#include "reports/printers.h"
#include "reports/published.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
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

std::vector<Arm> open_arms(const ReportRequest& request) {
  std::string first = request.store.string();
  if (request.run) first += fmt::format("#{}", *request.run);
  std::vector<Arm> arms{open_arm(first, request.only)};
  for (const std::string& more : request.more_stores) arms.push_back(open_arm(more, request.only));
  return arms;
}

// Leaves the scores of these metrics alone. Throws Error (kUsage) for one that no cell has.
void keep_metrics(const std::vector<std::string>& wanted, StoredTable& table) {
  if (wanted.empty()) return;
  std::vector<std::string_view> known{kForwardsName, kTimesName};
  for (const StoredCell& cell : table.cells)
    for (const StoredScore& score : cell.scores)
      if (std::find(known.begin(), known.end(), score.metric.name) == known.end()) known.push_back(score.metric.name);
  for (const std::string& name : wanted)
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw usage_error("--metric", unknown_name(name, known));
  const auto unwanted = [&](const StoredScore& score) {
    return std::find(wanted.begin(), wanted.end(), score.metric.name) == wanted.end();
  };
  for (StoredCell& cell : table.cells) std::erase_if(cell.scores, unwanted);
  std::erase_if(table.floors, unwanted);
}

// Whether a table that is no metric's is shown: asked for, or where nothing is; by metric metrics alone.
bool shows(const std::vector<std::string>& wanted, std::string_view name, bool by_metric) {
  return wanted.empty() ? !by_metric : std::find(wanted.begin(), wanted.end(), name) != wanted.end();
}

// One of the request's outputs.
struct ReportTarget {
  const Printer* printer = nullptr;
  std::optional<std::filesystem::path> file;  // nothing: out
};

std::vector<ReportTarget> targets_of(const ReportRequest& request) {
  const Printer& asked = request.format.empty() ? kPrinters[0] : find_by_name(kPrinters, request.format, "--format");
  std::vector<ReportTarget> targets;
  for (const auto& file : request.outputs)
    targets.push_back(
        {&find_by_name(kPrinters, format_of_file(file, request.format, kReportFormats), "--format"), file});
  if (targets.empty()) targets.push_back({&asked, {}});
  for (const ReportTarget& target : targets)
    if (target.printer->is_binary && request.terminal && !target.file)
      throw usage_error("--format " + std::string(target.printer->name),
                        "expected -o FILE or a pipe: it does not belong on a terminal");
  return targets;
}

void write(const ReportTarget& target, const std::string& bytes, std::ostream& out) {
  if (target.file) {
    write_file_atomically(*target.file, bytes);
  } else {
    out << bytes;
    if (!out.flush()) throw environment_error("standard output", "cannot be written to its end");
  }
}

// Prints an ablation or a history.
void write_view(const ReportRequest& request, const std::vector<ReportTarget>& targets, const View& view,
                std::ostream& out) {
  for (const ReportTarget& target : targets) {
    if (!target.printer->print_view)
      throw usage_error("--format", "expected " +
                                        listed(names_of(kPrinters, [](auto& one) { return one.print_view; }), "or") +
                                        " here, got " + std::string(target.printer->name));
    const ViewOptions options{request.colour && !target.file, request.figure, target.file ? 0 : terminal_columns()};
    const bool brief = target.printer == &kPrinters[0] && !request.full;
    write(target, target.printer->print_view(brief ? View{with_short_provenance(view.document), {}} : view, options),
          out);
  }
}

View history_for(const ReportRequest& request) {
  if (request.ablation || request.published || !request.only.empty() || !request.metrics.empty())
    throw usage_error("--history", "expected it without --ablation, --published, --only and --metric, got both");
  std::vector<std::filesystem::path> stores{request.store};
  stores.insert(stores.end(), request.more_stores.begin(), request.more_stores.end());
  return history_of(stores, *request.history);
}

View ablation_for(const ReportRequest& request) {
  std::vector<Arm> arms = open_arms(request);
  if (arms.size() > 1) throw usage_error("--ablation", "expected one store, got several");
  StoredTable table = side_by_side(arms);
  keep_metrics(request.metrics, table);
  const auto published = request.published ? std::optional(read_published(*request.published)) : std::nullopt;
  return ablation_of(*arms[0].store, table, *request.ablation, published);
}

}  // namespace

int run_report(const ReportRequest& request, std::ostream& out, std::ostream& err, const PrintParquet& parquet) {
  const std::vector<ReportTarget> targets = targets_of(request);
  if (request.history || request.ablation) {
    write_view(request, targets, request.history ? history_for(request) : ablation_for(request), out);
    return static_cast<int>(ExitCode::kOk);
  }
  with_report_input(request, [&](const ReportInput& input) {
    for (const ReportTarget& target : targets) {
      const Printer& printer = *target.printer;
      if (!printer.print && !parquet)
        throw usage_error("-o", "expected a file that ends in " + std::string(kParquetEnding) + " for " +
                                    std::string(kSamplesParquet));
      write(target, printer.print ? printer.print(input) : parquet(request), out);
    }
    warn_of_gaps(input.table, err);
  });
  return static_cast<int>(ExitCode::kOk);
}

void with_report_input(const ReportRequest& request, const std::function<void(const ReportInput&)>& use) {
  const auto rows = parse_axes("--rows", request.rows);
  auto columns = parse_axes("--columns", request.columns);
  const bool by_metric = take_metric_axis(rows, columns);
  const auto published = request.published ? std::optional(read_published(*request.published)) : std::nullopt;
  std::vector<Arm> arms = open_arms(request);
  StoredTable table = side_by_side(arms);
  keep_metrics(request.metrics, table);
  const Arrangement arrangement = arrange(table.cells, rows, columns);
  ReportInput input{arms, table, arrangement};
  input.colour = request.colour && request.outputs.empty();
  input.full = request.full;
  input.columns = request.outputs.empty() ? terminal_columns() : 0;
  input.grid_prompts = request.grid_prompts;
  input.published = published ? &*published : nullptr;
  input.figure = request.figure;
  input.by_metric = by_metric;
  input.forwards = shows(request.metrics, kForwardsName, by_metric);
  input.times = shows(request.metrics, kTimesName, by_metric);
  use(input);
}

std::vector<WantedPictures> wanted_pictures(const ReportRequest& request) {
  std::vector<Arm> arms = open_arms(request);
  const StoredTable table = side_by_side(arms);
  const Arrangement arrangement = arrange(table.cells, {}, {});
  std::vector<WantedPictures> wanted;
  for (const Arm& arm : arms) wanted.push_back({arm.path, {}});
  for (const PagePicture& picture : missing_pictures({arms, table, arrangement})) {
    const StoredCell& cell = *picture.cell;
    wanted[cell.arm].pictures.push_back({cell, cell_of(cell, arms[cell.arm].table), picture.prompt.row});
  }
  return wanted;
}

void print_table(Store& store, std::int64_t run_id, std::ostream& out, bool colour) {
  std::array arms{arm_of(store, read_table(store, run_id))};
  const StoredTable table = side_by_side(arms);
  const Arrangement arrangement = arrange(table.cells, {}, {});
  ReportInput input{arms, table, arrangement};
  input.colour = colour;
  input.columns = terminal_columns();
  out << print_terminal(input) << std::flush;
}

int terminal_columns() {
  winsize size{};
  if (!::isatty(STDOUT_FILENO) || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

bool wants_colour(int descriptor) {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return ::isatty(descriptor) && !(no_colour && *no_colour) && !(terminal && std::string_view(terminal) == "dumb");
}

}  // namespace fewstep
