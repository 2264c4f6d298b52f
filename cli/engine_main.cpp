// fewstep-engine: the commands that need networks. fewstep starts it with its own command line.
#include "cli/command_line.h"
#include "cli/exit_status.h"
#include "core/tensor.h"
#include "harness/run.h"
#include "harness/sample.h"
#include "harness/score.h"
#include "harness/stats.h"
#include "harness/torch_errors.h"
#include "harness/train.h"

#include <unistd.h>

#include <iostream>

namespace fewstep {
namespace {

int run(const RunRequest& request) {
  const auto show = [](Store& store, std::int64_t run) {
    print_table(store, run, std::cout, wants_colour(STDOUT_FILENO));
  };
  return run_experiment(request, show, std::cout, std::cerr);
}
int run(const DemoRequest& request) {
  const int code = run(run_of(request));
  if (code == static_cast<int>(ExitCode::kInterrupted)) return code;
  ReportRequest page;
  page.store = request.store;
  page.format = "html";
  page.output = page_of(request);
  run_report(page, std::cout, std::cerr);
  std::cout << "\nPage with figures and pictures: " << page_of(request).string() << "\n";
  return code;
}
int run(const SampleRequest& request) { return run_sample(request, std::cout, std::cerr); }
int run(const ScoreRequest& request) {
  run_score(request, std::cout, std::cerr);
  return 0;
}
int run(const StatsRequest& request) {
  run_stats(request, std::cout, std::cerr);
  return 0;
}
int run(const DistillRequest& request) { return run_distill(request, std::cout, std::cerr); }
int run(int answered) { return answered; }
template <typename Request>
int run(const Request&) {
  throw usage_error("fewstep-engine", "expected a command that needs networks; start fewstep instead");
}

}  // namespace
}  // namespace fewstep

int main(int argc, char** argv) {
  fewstep::keep_freed_memory();
  return fewstep::run_to_exit_code([&] {
    const fewstep::Command command = fewstep::parse_command_line(argc, argv, std::cout);
    const int code = std::visit(
        [](const auto& request) { return fewstep::with_our_errors([&] { return fewstep::run(request); }); }, command);
    fewstep::flush_results();
    return code;
  });
}
