// fewstep run, which kills itself at the n-th passage of a named point: FEWSTEP_DIE_AT="before commit:7"
// (core/fault_point.h). Of torture.py alone; the program that users run has no such door.
#include "cli/command_line.h"
#include "cli/exit_status.h"
#include "core/fault_point.h"
#include "core/tensor.h"
#include "harness/run/run.h"
#include "process/torch_errors.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <iostream>
#include <string>

namespace {

std::string point;
std::atomic<int> left = 0;  // several threads pass

void die_there(std::string_view name) {
  if (name == point && --left == 0) ::kill(::getpid(), SIGKILL);
}

void read_point(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) throw fewstep::usage_error("FEWSTEP_DIE_AT", "expected POINT:N, got " + text);
  point = text.substr(0, colon);
  left = std::stoi(text.substr(colon + 1));
  fewstep::fault_point = die_there;
}

}  // namespace

int main(int argc, char** argv) {
  fewstep::keep_freed_memory();
  return fewstep::run_to_exit_code([&] {
    if (const char* where = std::getenv("FEWSTEP_DIE_AT")) read_point(where);
    const auto command = fewstep::parse_command_line(argc, argv, std::cout);
    return fewstep::with_our_errors([&] {
      return fewstep::run_experiment(
          std::get<fewstep::RunRequest>(command), [](fewstep::Store&, std::int64_t) {}, std::cout, std::cerr);
    });
  });
}
