#pragma once
#include "core/fault_point.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <string_view>

namespace fewstep {

inline std::string kill_at;
inline int calls_left = 0;

inline void kill_here(std::string_view name) {
  if (name == kill_at && --calls_left == 0) ::kill(::getpid(), SIGKILL);
}

// Runs work in a child process, which kills itself at the count-th passing of a point (core/fault_point.h), or, where
// work calls fault_point("here") itself, there.
template <typename Work>
void run_until_killed(const std::string& point, int count, Work&& work) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    kill_at = point;
    calls_left = count;
    fault_point = kill_here;
    work();
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the process was not killed at " << point;
}

}  // namespace fewstep
