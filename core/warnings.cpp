#include "core/warnings.h"

#include <algorithm>
#include <iostream>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace fewstep {
namespace {

std::mutex mutex;
std::ostream* destination = &std::cerr;

std::set<std::string>& told() {
  static std::set<std::string> texts;
  return texts;
}

std::map<std::string, int>& times() {
  static std::map<std::string, int> of_what;
  return of_what;
}

constexpr int kAlike = 10;

}  // namespace

void warn(std::string_view where, std::string_view what) {
  std::string text = "warning: [" + std::string(where) + "] " + std::string(what);
  // It may quote a file: an escape sequence in it must not reach the terminal.
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return (c < ' ' && c != '\n') || c == 0x7F; }, '?');
  text += "\n";
  const std::lock_guard lock(mutex);
  if (!destination) return;
  int& alike = times()[std::string(what.substr(0, what.find_first_of("0123456789")))];
  // What is not told is not kept either: a million images may have a warning each.
  if (alike == kAlike || !told().insert(text).second) return;
  *destination << text << std::flush;
  if (++alike == kAlike) *destination << "warning: more of the kind are not told\n" << std::flush;
}

std::ostream* send_warnings_to(std::ostream* out) {
  const std::lock_guard lock(mutex);
  told().clear();
  times().clear();
  return std::exchange(destination, out);
}

}  // namespace fewstep
