// fewstep, the program that a user types: answers what needs no network itself, in milliseconds, and hands the rest to
// fewstep-engine beside it.
#include "cli/command_line.h"
#include "cli/exit_status.h"
#include "cli/short_run.h"
#include "core/error.h"
#include "core/faults.h"
#include "core/messages.h"
#include "core/process_limits.h"
#include "core/warnings.h"
#include "reports/inspect/inspect.h"
#include "settings/experiment.h"
#include "settings/recipe.h"
#include "settings/schema.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>

namespace fewstep {
namespace {

// How long GNU OpenMP's threads spin while they wait for each other. Its default, milliseconds, is no faster on an idle
// machine. Where other tasks want the CPUs that the threads would use, a thread that spins holds up the one that it
// waits for.
const char* spin_count() {
  constexpr int kLooks = 5, kMicrosecondsBetween = 2000;
  const CpuLimits limits = cpu_limits();
  int crowded = 0;
  for (int i = 0; i < kLooks; ++i) {
    if (i > 0) ::usleep(kMicrosecondsBetween);
    crowded += other_tasks() > limits.online - limits.cpus();
  }
  return 2 * crowded > kLooks ? "300" : "10000";
}

[[noreturn]] void become_engine(char** argv) {
  // The Python package's launcher knows whether the LibTorch that it found is the right one.
  if (const char* trouble = std::getenv("FEWSTEP_NO_ENGINE")) throw environment_error("fewstep", trouble);
  if (!std::getenv("GOMP_SPINCOUNT")) ::setenv("GOMP_SPINCOUNT", spin_count(), 1);
  std::error_code failure;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failure);
  const std::string engine = (self.parent_path() / "fewstep-engine").string();
  ::execv(engine.c_str(), argv);
  throw environment_error(
      engine, std::string("cannot be run: ") + std::strerror(errno) + "; build it beside fewstep with: make build");
}

int run(int argc, char** argv) {
  Command command = parse_command_line(argc, argv, std::cout);
  if (const int* answered = std::get_if<int>(&command)) return *answered;
  // An error in the file is told before LibTorch is loaded; the engine reads it again, and tells its warnings.
  if (needs_engine(command)) send_warnings_to(nullptr);
  // Of files that are missing or broken the engine tells all, since it sees into them.
  Faults files;
  if (auto* request = std::get_if<RunRequest>(&command)) {
    *request = written_out(*request, &messages());
    read_experiment(request->experiment, request->set, request->only, &files);
  }
  if (const auto* demo = std::get_if<DemoRequest>(&command)) {
    unpack_on_first_use(messages());
    read_experiment(run_of(*demo).experiment, {}, "", &files);
  }
  if (const auto* request = std::get_if<DistillRequest>(&command)) read_recipe(request->recipe, request->set);
  if (needs_engine(command)) become_engine(argv);
  if (const auto* request = std::get_if<InspectRequest>(&command)) {
    run_inspect(request->path, request->json, std::cout);
    return 0;
  }
  if (const auto* request = std::get_if<InitRequest>(&command)) {
    run_init(*request, std::cout);
    return 0;
  }
  if (const auto* request = std::get_if<SchemaRequest>(&command)) {
    std::cout << (request->kind == "recipe" ? recipe_schema() : experiment_schema()).dump(2) << "\n";
    return 0;
  }
  if (const auto* given = std::get_if<CompareRequest>(&command)) {
    CompareRequest request = *given;
    request.colour = wants_colour(STDOUT_FILENO);
    request.terminal = ::isatty(STDOUT_FILENO) != 0;
    return run_compare(request, std::cout, messages());
  }
  ReportRequest report = std::get<ReportRequest>(command);
  report.colour = wants_colour(STDOUT_FILENO);
  report.terminal = ::isatty(STDOUT_FILENO) != 0;
  return run_report(report, std::cout, messages());
}

}  // namespace
}  // namespace fewstep

int main(int argc, char** argv) {
  return fewstep::run_to_exit_code([&] {
    const int code = fewstep::run(argc, argv);
    fewstep::flush_results();
    return code;
  });
}
