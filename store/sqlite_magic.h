#pragma once
#include <string_view>

namespace fewstep {

// How every SQLite file begins (sqlite.org/fileformat2.html).
inline constexpr std::string_view kSqliteMagic = "SQLite format 3";

}  // namespace fewstep
