#pragma once
#include <string_view>

namespace fewstep::assets {

// The files of verdicts/assets/ and what reports' pages have for tables, as cmake/Embed.cmake compiles them in.
extern const std::string_view kComparePage;    // mustache
extern const std::string_view kCompareStyle;   // CSS, after reports' own
extern const std::string_view kCompareScript;  // theme, sorted tables

}  // namespace fewstep::assets
