#pragma once
#include "core/error.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// The candidate with the smallest edit distance to name, or nothing where none is near (more than half its length off).
std::string nearest_name(std::string_view name, std::span<const std::string_view> candidates);
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

// `unknown name "ddmi"; did you mean "ddim"? Known: …` for error messages.
std::string unknown_name(std::string_view name, std::span<const std::string_view> candidates);
std::string unknown_name(std::string_view name, std::span<const std::string> candidates);

// "ddim, dpm and dpm++"; last: "and", "or".
std::string listed(std::span<const std::string_view> names, std::string_view last);

// The position of a name. Throws Error (kUsage) with the nearest of names.
std::size_t index_of_name(std::span<const std::string_view> names, std::string_view name, std::string_view where);

// The number of an enum's first enumerator; specialised where it is not 0.
template <typename Enum>
inline constexpr std::size_t kFirstEnumerator = 0;
// The enumerator of a name; names stand in the order of the enumerators. Throws as index_of_name.
template <typename Enum>
Enum parse_name(std::span<const std::string_view> names, std::string_view name, std::string_view where) {
  return static_cast<Enum>(kFirstEnumerator<Enum> + index_of_name(names, name, where));
}

template <typename Rows>
std::vector<std::string_view> names_of(const Rows& rows) {
  std::vector<std::string_view> names;
  for (const auto& row : rows) names.push_back(row.name);
  return names;
}
// The names of the rows with a property.
template <typename Rows, typename Property>
std::vector<std::string_view> names_of(const Rows& rows, Property&& property) {
  std::vector<std::string_view> names;
  for (const auto& row : rows)
    if (property(row)) names.push_back(row.name);
  return names;
}

// The row of that name. Throws Error (kUsage) with the nearest name of the rows.
template <typename Rows>
const auto& find_by_name(const Rows& rows, std::string_view name, std::string_view where) {
  return rows[index_of_name(names_of(rows), name, where)];
}

// Whether two tables have rows of the same names in the same order: a catalog, and the functions beside it.
template <typename Rows, typename Others>
constexpr bool same_names(const Rows& rows, const Others& others) {
  return std::equal(rows.begin(), rows.end(), others.begin(), others.end(),
                    [](const auto& a, const auto& b) { return a.name == b.name; });
}

}  // namespace fewstep
