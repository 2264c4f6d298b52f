#pragma once
#include "core/warnings.h"

#include <sstream>
#include <string>

namespace fewstep {

// What is warned of while it lives, kept from standard error.
class Warnings {
 public:
  Warnings() : before_(send_warnings_to(&text_)) {}
  ~Warnings() { send_warnings_to(before_); }
  Warnings(const Warnings&) = delete;
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
  std::ostream* before_;
};

}  // namespace fewstep
