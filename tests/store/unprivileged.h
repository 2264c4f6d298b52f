#pragma once
#include "core/error.h"

#include <sys/wait.h>
#include <unistd.h>

#include <iostream>

namespace fewstep {

// Runs work in a process that is neither root nor the owner of anything; its exit status. Root may write everywhere.
template <typename Work>
int run_unprivileged(Work&& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && (::setgid(65534) != 0 || ::setuid(65534) != 0)) ::_exit(99);
    int code = 0;
    try {
      work();
    } catch (const Error& error) {
      std::cerr << error.what() << "\n";
      code = static_cast<int>(error.code());
    }
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace fewstep
