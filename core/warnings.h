#pragma once
#include <iosfwd>
#include <string_view>

namespace fewstep {

// Tells the user what is no error but may surprise: "warning: [where] what", each text once in a process,
// and ten of those that are the same up to their first number. May be called from any thread.
void warn(std::string_view where, std::string_view what);

// Where warnings go from now on, standard error at first; nullptr: nowhere. What was told before is forgotten.
// Returns what it was before.
std::ostream* send_warnings_to(std::ostream* out);

}  // namespace fewstep
