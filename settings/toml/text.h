#pragma once
#include <string>

namespace fewstep {

// A text as a string of TOML.
std::string quoted_toml(const std::string& text);

}  // namespace fewstep
