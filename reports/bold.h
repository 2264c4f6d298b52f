#pragma once
#include "reports/arm.h"
#include "reports/scores.h"
#include "store/influence.h"

#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace fewstep {

// Which numbers of a column cannot be told from its best one.

// Whether two cells can be told apart; nothing where that cannot be said.
using ToldApart = std::function<std::optional<bool>(const StoredCell& best, const StoredCell& other)>;

struct Candidate {
  const StoredCell* cell = nullptr;
  double number = 0;
};
// For each candidate (null: none there) whether it is to be bold: the best, and those that cannot be told from it. None
// with fewer than two candidates, where all would be, and where it cannot be said of one whether it differs.
std::vector<bool> choose_bold(const std::vector<std::optional<Candidate>>& column, bool higher_is_better,
                              const ToldApart& told_apart);

// The differences of cells in one score, from the rows that the stores have of each image.
class ScoreDifferences {
 public:
  ScoreDifferences(StoreOf store_of, ScoreKey key) : store_of_(std::move(store_of)), key_(std::move(key)) {}
  // a − b, paired over prompts; where there are no rows of both, as if they were independent. Nothing where a
  // standard error is missing, and where the scores are of unequal numbers of images and biased by them.
  std::optional<Difference> between(const StoredCell& a, const StoredCell& b);

 private:
  const std::optional<UnitInfluence>& influence(const StoredCell& cell, const StoredScore& score);

  StoreOf store_of_;
  ScoreKey key_;
  std::map<const StoredCell*, std::optional<UnitInfluence>> known_;
};

// More than two standard errors apart.
ToldApart by_pairs(ScoreDifferences& differences);

}  // namespace fewstep
