#pragma once
#include <functional>
#include <iosfwd>
#include <string>

namespace fewstep {

// Runs body; an exception becomes one to three lines on standard error and its exit code: Error its own, std::bad_alloc
// and what the system refuses 4, anything else 4 with its first line.
int run_to_exit_code(const std::function<int()>& body) noexcept;

// "error: …" on standard error, in red where that is a terminal and NO_COLOR is not set.
void print_error(const std::string& message);

// Flushes standard output. Throws Error (kEnvironment) when it cannot be written (a full disk): results were lost.
void flush_results();

}  // namespace fewstep
