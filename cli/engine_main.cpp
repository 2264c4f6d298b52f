// fewstep-engine: the commands that need networks. fewstep starts it with its own command line.
#include "cli/command_line.h"
#include "cli/exit_status.h"
#include "cli/samples_parquet.h"
#include "cli/short_run.h"
#include "core/messages.h"
#include "core/tensor.h"
#include "core/warnings.h"
#include "distill/train/train.h"
#include "harness/generate/remake.h"
#include "harness/generate/sample.h"
#include "harness/run/again.h"
#include "harness/run/audit.h"
#include "harness/run/merge.h"
#include "harness/run/run.h"
#include "harness/score/score.h"
#include "harness/score/stats.h"
#include "process/host_threads.h"
#include "process/torch_errors.h"
#include "reports/arm.h"
#include "reports/printers.h"
#include "settings/experiment.h"
#include "verdicts/seeds.h"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <utility>

namespace fewstep {
namespace {

void show(Store& store, std::int64_t run) { print_table(store, run, std::cout, wants_colour(STDOUT_FILENO)); }

void remake(const std::vector<WantedPictures>& wanted, const std::string& device) {
  for (const auto& [store, pictures] : wanted) {
    std::vector<LostPicture> lost;
    for (const WantedPicture& one : pictures)
      lost.push_back({one.described, one.cell.series_id, one.prompt_row, one.cell.images_per_prompt});
    remake_pictures(store, std::move(lost), device, messages());
  }
}

// Which prompts are extremes is known when all cells have their scores, and the pictures are made when the run has
// let go of its store.
int run(const RunRequest& request) {
  ReportRequest page;
  bool keep_extremes = false;
  const ShowRun show_and_note = [&](Store& store, std::int64_t id) {
    show(store, id);
    page.store = path_of(store);
    page.run = id;
    keep_extremes = keeps_extremes(read_table(store, id).config_json);
  };
  const int code =
      run_experiment(as_launched(written_out(request, nullptr), messages()), show_and_note, std::cout, messages());
  if (keep_extremes && code != static_cast<int>(ExitCode::kInterrupted)) remake(wanted_pictures(page), request.device);
  return code;
}
int run(const MergeRequest& request) { return run_merge(request, show, std::cout, messages()); }
int run(const AuditRequest& request) { return run_audit(request, std::cout, messages()); }
int run(const DemoRequest& request) {
  const int code = run(run_of(request));
  if (code == static_cast<int>(ExitCode::kInterrupted)) return code;
  ReportRequest page;
  page.store = request.store;
  page.outputs = {page_of(request)};
  run_report(page, std::cout, messages());
  std::cout << "\nPage with figures and pictures: " << page_of(request).string() << "\n";
  return code;
}
int run(const SampleRequest& request) { return run_sample(request, std::cout, messages()); }
int run(const ScoreRequest& request) {
  run_score(request, std::cout, messages());
  return 0;
}
int run(const StatsRequest& request) {
  run_stats(request, std::cout, messages());
  return 0;
}
int run(const DistillRequest& request) { return run_distill(request, std::cout, messages()); }

// The cells of an arm, as --only of its run says it.
std::string only_of(const Arm& arm, const std::string& only) {
  const std::string& name = arm.table.cells.front().key.checkpoint_name;
  const bool one = std::all_of(arm.table.cells.begin(), arm.table.cells.end(),
                               [&](const StoredCell& cell) { return cell.key.checkpoint_name == name; });
  const bool named = only.find("checkpoint=") != std::string::npos;
  const bool is_word = name.find_first_of(" ,=") == std::string::npos;  // what --only can say
  return !one || named || !is_word ? only : "checkpoint=" + name + (only.empty() ? "" : " " + only);
}

// What a comparison needs networks for comes first; the stores then hold it.
int run(const CompareRequest& given) {
  CompareRequest request = given;
  request.colour = wants_colour(STDOUT_FILENO);
  request.terminal = ::isatty(STDOUT_FILENO) != 0;
  const auto interrupted = static_cast<int>(ExitCode::kInterrupted);
  if (request.retime || request.noise_floor || request.remake_pictures) {
    for (const std::string* arm : {&request.baseline, &request.candidate})
      if (split_arm(*arm).size() > 1)
        throw usage_error("--retime, --noise-floor, --remake-pictures",
                          "expected one store an arm, got several: " + *arm);
  }
  if (request.retime || request.noise_floor) {
    const Arm baseline = open_arm(request.baseline, request.only),
              candidate = open_arm(request.candidate, request.only);
    const RunAgain a{baseline.path, baseline.table, only_of(baseline, request.only)};
    const RunAgain b{candidate.path, candidate.table, only_of(candidate, request.only)};
    if (request.retime && !retime(a, b, request.processes, messages())) return interrupted;
    if (request.noise_floor) request.floor_store = run_under_another_seed(a, messages());
    if (request.noise_floor && request.floor_store.empty()) return interrupted;
  }
  if (request.remake_pictures) {
    remake(wanted_pictures(request), "auto");
  }
  return run_compare(request, std::cout, messages());
}
int run(const ReportRequest& given) {
  ReportRequest request = given;
  request.colour = wants_colour(STDOUT_FILENO);
  request.terminal = ::isatty(STDOUT_FILENO) != 0;
  if (request.remake_pictures) remake(wanted_pictures(request), "auto");
  return run_report(request, std::cout, messages(), samples_parquet);
}
int run(const WatchRequest& request) { return run_watch(request, std::cout, messages()); }
int run(int answered) { return answered; }
template <typename Request>
int run(const Request&) {
  throw usage_error("fewstep-engine", "expected a command that needs networks; start fewstep instead");
}

}  // namespace
}  // namespace fewstep

int main(int argc, char** argv) {
  fewstep::keep_freed_memory();
  fewstep::use_cpus_of_process();
  return fewstep::run_to_exit_code([&] {
    const fewstep::Command command = fewstep::parse_command_line(argc, argv, std::cout);
    if (fewstep::message_style() == fewstep::MessageStyle::kJson) fewstep::send_warnings_to(&fewstep::messages());
    const int code = std::visit(
        [](const auto& request) { return fewstep::with_our_errors([&] { return fewstep::run(request); }); }, command);
    fewstep::flush_results();
    return code;
  });
}
