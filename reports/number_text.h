#pragma once
#include "metrics/score.h"

#include <string>

namespace fewstep {

// Numbers as every table, figure and page shows them.
std::string score_text(const Score& score);  // "17.68 ± 0.31"; "17.68" without an error; "not a number"; "not given"
                                             // with flags that say why
std::string ms_text(double ms);              // three significant digits, or whole milliseconds

// The first 16 digits, which are enough to find a file; "none" for an empty one. JSON and CSV give all.
std::string short_hash(const std::string& hash);

}  // namespace fewstep
