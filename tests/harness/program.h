#pragma once
#include <functional>
#include <string>
#include <vector>

namespace fewstep {

struct Finished {
  int code = 0;  // exit code; 128 + signal where one ended it
  std::string out, err;
  double seconds = 0;
};

// Starts FEWSTEP_BINARY_DIR/name, or that of the environment's FEWSTEP_PROGRAMS, with arguments and waits. before runs
// in the child before exec (limits); meanwhile gets the process id while it runs (signals).
Finished run_program(const std::string& name, const std::vector<std::string>& arguments,
                     const std::function<void()>& before = {}, const std::function<void(int pid)>& meanwhile = {});

}  // namespace fewstep
