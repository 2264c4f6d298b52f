#pragma once
#include "metrics/flags.h"

#include <string>

namespace fewstep {

// What a flag means, as a footnote says it: "rank-deficient: …". A word that this version does not know stays as it is.
std::string explain_flag(const Flag& flag);

}  // namespace fewstep
