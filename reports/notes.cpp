#include "reports/notes.h"

#include <fmt/format.h>

#include <algorithm>

namespace fewstep {

std::string Notes::mark(const std::string& text) {
  if (text.empty()) return "";
  auto found = std::find(notes_.begin(), notes_.end(), text);
  if (found == notes_.end()) found = notes_.insert(notes_.end(), text);
  return fmt::format(" [{}]", found - notes_.begin() + 1);
}

}  // namespace fewstep
