#include "verdicts/lost_prompts.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fewstep {
namespace {

double standard_errors_worse(const ComparedRow& row) {
  const double error = row.difference->standard_error;
  return error > 0 ? worse(row) / error : worse(row);
}

// By how much each prompt is worse, in the order of the prompts; empty where that is not known of single prompts.
std::vector<double> worsening(const ComparedRow& row) {
  std::vector<double> values;
  if (row.of_groups) return values;
  for (const double of_unit : row.of_units) {
    const double change = row.difference->value + of_unit;
    values.push_back(row.higher_is_better ? -change : change);
  }
  return values;
}

LostPrompt lost_prompt(const Arm& baseline, const Arm& candidate, const CellPair& pair, std::int64_t row,
                       double worse) {
  LostPrompt lost{row, "", worse, {}, {}};
  const auto sample_of = [&](const Arm& arm, const StoredCell& cell) -> std::optional<StoredSample> {
    const auto prompt = find_prompt(*arm.store, cell.series_id, row);
    if (!prompt) return {};
    lost.text = prompt->text;
    return first_sample(*arm.store, cell.series_id, prompt->id);
  };
  lost.baseline = sample_of(baseline, *pair.baseline);
  lost.candidate = sample_of(candidate, *pair.candidate);
  return lost;
}

}  // namespace

std::vector<LostPrompts> lost_prompts(const Arm& baseline, const Arm& candidate, const Matching& matching,
                                      const Comparison& comparison, std::size_t cells, std::size_t each) {
  std::vector<const ComparedRow*> rows;
  for (const ComparedRow& row : comparison.rows)
    if (row.difference && row.metric != kLatency && row.verdict != Verdict::kIdentical) rows.push_back(&row);
  // What single images have is said better by a mean over them than by a distance of all.
  const auto is_mean = [](const ComparedRow* row) { return is_mean_of_images(row->metric); };
  if (std::ranges::any_of(rows, is_mean)) std::erase_if(rows, [&](const ComparedRow* row) { return !is_mean(row); });
  std::stable_sort(rows.begin(), rows.end(), [](const ComparedRow* a, const ComparedRow* b) {
    return standard_errors_worse(*a) > standard_errors_worse(*b);
  });
  std::vector<LostPrompts> all;
  for (const ComparedRow* row : rows) {
    if (all.size() == cells) break;
    const CellPair& pair = matching.pairs[row->pair];
    const auto values = worsening(*row);
    const auto prompts = prompt_rows_of(*baseline.store, pair.baseline->series_id);
    if (values.empty() || prompts.size() < values.size()) continue;
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
    LostPrompts lost{row->cell, row->metric, {}};
    for (std::size_t i = 0; i < std::min(each, order.size()) && values[order[i]] > 0; ++i)
      lost.prompts.push_back(lost_prompt(baseline, candidate, pair, prompts[order[i]], values[order[i]]));
    if (!lost.prompts.empty()) all.push_back(std::move(lost));
  }
  return all;
}

}  // namespace fewstep
