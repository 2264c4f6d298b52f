#pragma once
#include <stdexcept>
#include <string>
#include <string_view>

namespace fewstep {

// Exit codes of the program; README.md lists them for users.
enum class ExitCode : int {
  kOk = 0,
  kUsage = 2,        // command line or experiment file
  kInput = 3,        // a broken or missing input file
  kEnvironment = 4,  // device, memory, disk
  kRegression = 10,
  kInconclusive = 11,
  kNotComparable = 12,
  kIncomplete = 13,
  kInterrupted = 75,  // stopped by a signal; the same command continues
};

// The one exception of the program. what() is "[where] what"; where names the file, key or function.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, std::string_view where, std::string_view what)
      : std::runtime_error("[" + std::string(where) + "] " + std::string(what)), code_(code) {}
  ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

inline Error usage_error(std::string_view where, std::string_view what) { return {ExitCode::kUsage, where, what}; }
inline Error input_error(std::string_view where, std::string_view what) { return {ExitCode::kInput, where, what}; }
inline Error environment_error(std::string_view where, std::string_view what) {
  return {ExitCode::kEnvironment, where, what};
}

}  // namespace fewstep
