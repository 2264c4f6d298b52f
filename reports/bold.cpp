#include "reports/bold.h"

#include <cmath>

namespace fewstep {

std::vector<bool> choose_bold(const std::vector<std::optional<Candidate>>& column, bool higher_is_better,
                              const ToldApart& told_apart) {
  std::vector<bool> bold(column.size());
  const Candidate* best = nullptr;
  std::size_t candidates = 0;
  for (const auto& candidate : column) {
    if (!candidate) continue;
    ++candidates;
    if (!best || (higher_is_better ? candidate->number > best->number : candidate->number < best->number))
      best = &*candidate;
  }
  if (candidates < 2) return bold;
  for (std::size_t row = 0; row < column.size(); ++row) {
    if (!column[row]) continue;
    const bool equal = column[row]->number == best->number;
    const auto differs = equal ? std::optional(false) : told_apart(*best->cell, *column[row]->cell);
    if (!differs) return std::vector<bool>(column.size());
    bold[row] = !*differs;
  }
  // Bold over a whole column says nothing.
  const auto marked = std::ranges::count(bold, true);
  return static_cast<std::size_t>(marked) == candidates ? std::vector<bool>(column.size()) : bold;
}

const std::optional<UnitInfluence>& ScoreDifferences::influence(const StoredCell& cell, const StoredScore& score) {
  const auto known = known_.find(&cell);
  if (known != known_.end()) return known->second;
  return known_.emplace(&cell, read_influence(store_of_(cell), cell, score)).first->second;
}

std::optional<Difference> ScoreDifferences::between(const StoredCell& a, const StoredCell& b) {
  const StoredScore *of_a = find_score(a, key_), *of_b = find_score(b, key_);
  if (!of_a || !of_b || !std::isfinite(of_a->score.value) || !std::isfinite(of_b->score.value)) return {};
  if (!at_equal_n(*of_a, *of_b)) return {};
  const auto &influence_a = influence(a, *of_a), &influence_b = influence(b, *of_b);
  if (influence_a && influence_b)
    if (const auto paired = paired_difference(*of_a, *influence_a, *of_b, *influence_b)) return paired;
  const double error = std::hypot(of_a->score.standard_error, of_b->score.standard_error);
  if (!std::isfinite(error)) return {};
  return Difference{of_a->score.value - of_b->score.value, error};
}

ToldApart by_pairs(ScoreDifferences& differences) {
  return [&differences](const StoredCell& best, const StoredCell& other) -> std::optional<bool> {
    const auto difference = differences.between(best, other);
    if (!difference) return {};
    return std::abs(difference->value) > 2 * difference->standard_error;
  };
}

}  // namespace fewstep
