#pragma once
#include <string>
#include <string_view>

namespace fewstep {

// Refuses keys of more parts than any setting has ("a.b.c…"): toml++ bounds the nesting of values, not of dotted keys,
// and its tables are destroyed recursively, so that a hostile file would overflow the stack. source: as errors name the
// text. Throws Error (kUsage) with the line.
void check_toml_limits(std::string_view text, const std::string& source);

}  // namespace fewstep
