#include "core/names.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace fewstep {
namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::vector<std::string_view> views(std::span<const std::string> names) { return {names.begin(), names.end()}; }

}  // namespace

std::string nearest_name(std::string_view name, std::span<const std::string_view> candidates) {
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 2) + 1;
  for (const auto candidate : candidates) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return std::string(best);
}

std::string nearest_name(std::string_view name, std::span<const std::string> candidates) {
  return nearest_name(name, std::span<const std::string_view>(views(candidates)));
}

std::string unknown_name(std::string_view name, std::span<const std::string_view> candidates) {
  std::string text = "unknown name \"" + std::string(name) + "\"";
  const std::string nearest = nearest_name(name, candidates);
  if (!nearest.empty()) text += "; did you mean \"" + nearest + "\"?";
  if (candidates.empty()) return text;
  text += nearest.empty() ? "; known: " : " Known: ";
  for (std::size_t i = 0; i < candidates.size(); ++i) text += (i ? ", " : "") + std::string(candidates[i]);
  return text;
}

std::string unknown_name(std::string_view name, std::span<const std::string> candidates) {
  return unknown_name(name, std::span<const std::string_view>(views(candidates)));
}

std::string listed(std::span<const std::string_view> names, std::string_view last) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 < names.size() ? ", " : " " + std::string(last) + " ";
    text += names[i];
  }
  return text;
}

std::size_t index_of_name(std::span<const std::string_view> names, std::string_view name, std::string_view where) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) throw usage_error(where, unknown_name(name, names));
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace fewstep
