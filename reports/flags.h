#pragma once
#include <string>
#include <string_view>

namespace fewstep {

// What a word of Score::flags means, as a footnote says it: "rank-deficient: …". Words that this version does not know
// stay as they are.
std::string explain_flag(std::string_view flag);

// Said once in the protocol line and not at each number, since it holds for every cell of as many images.
inline constexpr std::string_view kBiasedUpward = "biased-upward";

}  // namespace fewstep
