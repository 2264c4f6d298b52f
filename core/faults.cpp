#include "core/faults.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace fewstep {

namespace {

// "[where]" of a message.
std::string_view place(const Error& error) {
  const std::string_view text = error.what();
  return text.substr(0, text.find(']'));
}

}  // namespace

void Faults::add(const Error& error) {
  const auto same = [&](const Error& known) { return place(known) == place(error); };
  if (std::none_of(errors_.begin(), errors_.end(), same)) errors_.push_back(error);
}

void Faults::finish(const std::string& where) const {
  if (errors_.empty()) return;
  if (errors_.size() == 1) throw errors_.front();
  std::string text = fmt::format("{} things are wrong:", errors_.size());
  for (std::size_t i = 0; i < errors_.size(); ++i) text += fmt::format("\n{}. {}", i + 1, errors_[i].what());
  throw Error(errors_.front().code(), where, text);
}

}  // namespace fewstep
