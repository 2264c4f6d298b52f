#include "reports/summary.h"

#include "core/grouped.h"
#include "reports/document.h"
#include "reports/figures.h"
#include "reports/number_text.h"
#include "reports/scores.h"

#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <map>
#include <optional>

namespace fewstep {
namespace {

using Number = std::optional<double>;

struct Best {
  const StoredCell* cell = nullptr;
  std::string place;  // "lcm · 8 steps"
};

Best best_cell(const CellLines& lines, bool higher_is_better,
               const std::function<Number(const StoredCell&)>& value_of) {
  Best best;
  Number best_value;
  for (const CellLine& line : lines.lines) {
    for (std::size_t column = 0; column < line.cells.size(); ++column) {
      const Number value = line.cells[column] ? value_of(*line.cells[column]) : Number();
      if (!value || (best_value && (higher_is_better ? *value <= *best_value : *value >= *best_value))) continue;
      best_value = value;
      best = {line.cells[column], line.label + " · " + lines.columns[column]};
    }
  }
  return best;
}

SummaryCard cells_card(const StoredTable& table) {
  std::map<CellState, int> counts;
  for (const StoredCell& cell : table.cells) ++counts[cell.state];
  SummaryCard card{"Cells complete", fmt::format("{} of {}", counts[CellState::kComplete], table.cells.size()), "",
                   false};
  const auto add = [&](CellState state, std::string_view name) {
    if (counts[state] > 0) card.detail += fmt::format("{}{} {}", card.detail.empty() ? "" : ", ", counts[state], name);
  };
  add(CellState::kFailed, "failed");
  add(CellState::kIncomplete, "incomplete");
  add(CellState::kStale, "stale");
  add(CellState::kRunning, "running");
  add(CellState::kPlanned, "not run");
  card.warning = !card.detail.empty();
  if (!card.warning) card.detail = "run " + end_text(table.run);
  return card;
}

Number total_ms(const StoredCell& cell) {
  if (cell.state != CellState::kComplete || cell.timings.empty() || !cell.timings.front().total) return {};
  return cell.timings.front().total->median;
}

bool is_stable(const StoredCell& cell) { return !cell.timings.empty() && !cell.timings.front().unstable(); }

}  // namespace

std::vector<SummaryCard> make_summary(const StoredTable& table) {
  const CellLines lines = lines_by_steps(table.cells);
  const auto keys = score_keys(table.cells);
  std::vector<SummaryCard> cards{cells_card(table)};
  for (const ScoreKey& key : keys) {
    if (!at_equal_n(table.cells, key)) continue;
    const Best best = best_cell(lines, key.metric.higher_is_better, [&](const StoredCell& cell) {
      const StoredScore* stored = find_score(cell, key);
      return stored && std::isfinite(stored->score.value) ? Number(stored->score.value) : Number();
    });
    if (!best.cell) continue;
    const Score& score = find_score(*best.cell, key)->score;
    std::string detail = fmt::format("{}, {} images", best.place, grouped(score.count));
    for (const Flag& flag : score.flags) detail += ", " + word_of(flag);
    cards.push_back({"Best " + score_title(key, keys), score_text(score), detail, !score.flags.empty()});
  }
  Best best =
      best_cell(lines, false, [](const StoredCell& cell) { return is_stable(cell) ? total_ms(cell) : Number(); });
  if (!best.cell) best = best_cell(lines, false, total_ms);
  if (best.cell) {
    const bool stable = is_stable(*best.cell);
    cards.push_back({fmt::format("Fastest, batch {}", best.cell->timings.front().batch),
                     ms_text(*total_ms(*best.cell)) + " ms per image", best.place + (stable ? "" : ", unstable timing"),
                     !stable});
  }
  return cards;
}

}  // namespace fewstep
