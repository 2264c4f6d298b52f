#pragma once
#include "core/files.h"

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace fewstep {

// A hash over captions in the order of their rows: which row of the source, and what it says.
class PromptHash {
 public:
  void add(std::int64_t row, std::string_view text) {
    bytes_ += fmt::format("{} {} ", row, text.size());
    bytes_ += text;
  }
  std::string text() const { return sha256(bytes_); }

 private:
  std::string bytes_;
};

}  // namespace fewstep
