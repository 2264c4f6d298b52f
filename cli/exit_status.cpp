#include "cli/exit_status.h"

#include "core/error.h"
#include "core/messages.h"

#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <new>

namespace fewstep {
namespace {

bool colours() {
  const char* no_color = std::getenv("NO_COLOR");
  return ::isatty(STDERR_FILENO) && !(no_color && *no_color);
}

}  // namespace

void print_error(const std::string& text) {
  std::string message = text;  // which may quote a file: an escape sequence in it must not reach the terminal
  std::replace_if(
      message.begin(), message.end(), [](unsigned char c) { return (c < ' ' && c != '\n') || c == 0x7F; }, '?');
  if (message_style() == MessageStyle::kJson) {
    std::cerr << event_json("error", message) << std::endl;
    return;
  }
  std::cerr << (colours() ? "\033[1;31merror:\033[0m " : "error: ") << message << std::endl;
}

void flush_results() {
  if (!std::cout.flush())
    throw environment_error("standard output", "cannot be written; free space on the disk, or give -o FILE");
}

int run_to_exit_code(const std::function<int()>& body) noexcept {
  const auto fail = [](const std::string& message, ExitCode code) {
    print_error(message);
    return static_cast<int>(code);
  };
  std::signal(SIGXFSZ, SIG_IGN);  // a write beyond the limit on file sizes then fails, as on a full disk
  try {
    return body();
  } catch (const Error& error) {
    return fail(error.what(), error.code());
  } catch (const std::bad_alloc&) {
    return fail("[memory] the system has no more; use a smaller --batch", ExitCode::kEnvironment);
  } catch (const std::filesystem::filesystem_error& error) {
    return fail(error.what(), ExitCode::kEnvironment);
  } catch (const std::exception& error) {
    const std::string what = error.what();
    return fail("[unexpected] " + what.substr(0, what.find('\n')), ExitCode::kEnvironment);
  } catch (...) {
    return fail("[unexpected] an unknown exception", ExitCode::kEnvironment);
  }
}

}  // namespace fewstep
