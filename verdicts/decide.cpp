#include "verdicts/decide.h"

#include "metrics/catalog.h"
#include "metrics/student.h"
#include "verdicts/statistics.h"

#include <algorithm>
#include <cmath>

namespace fewstep {
namespace {

// The one-sided p-value of a difference that is positive in the alternative.
double p_value(double value, double error, double df) {
  if (error > 0) return student_tail(value / error, df);
  return value > 0 ? 0 : value < 0 ? 1 : 0.5;
}

// Prompts with which the interval would lie inside the margin, or beside zero, if the difference stayed as it is.
std::optional<double> prompts_needed(const ComparedRow& row, double quantile) {
  const double excess = worse(row), room = excess < row.margin ? row.margin - excess : excess;
  if (!(room > 0)) return {};
  const double ratio = quantile * row.difference->standard_error / room;
  return std::max(static_cast<double>(kLeastPrompts), std::ceil(ratio * ratio * static_cast<double>(row.units)));
}

}  // namespace

void decide(std::span<ComparedRow* const> family, double alpha) {
  std::vector<double> worse_ps, better_ps;
  for (ComparedRow* row : family) {
    const double error = row->difference->standard_error, excess = worse(*row);
    row->p_worse = p_value(excess, error, row->df);
    row->p_better = p_value(-excess, error, row->df);
    worse_ps.push_back(row->p_worse);
    better_ps.push_back(row->p_better);
  }
  const auto is_worse = holm(worse_ps, alpha), is_better = holm(better_ps, alpha);
  for (std::size_t i = 0; i < family.size(); ++i) {
    ComparedRow* const row = family[i];
    const double quantile = student_quantile(alpha / static_cast<double>(family.size()), row->df);
    const double half = quantile * row->difference->standard_error, excess = worse(*row);
    row->low = row->difference->value - half;
    row->high = row->difference->value + half;
    if (is_better[i]) {
      row->verdict = Verdict::kImproved;
    } else if (excess + half <= row->margin) {
      row->verdict = Verdict::kPass;
    } else if (is_worse[i]) {
      row->verdict = Verdict::kRegressed;
    } else {
      row->verdict = Verdict::kInconclusive;
      if (is_mean_of_images(row->metric)) row->prompts_needed = prompts_needed(*row, quantile);
    }
    const bool touches = (is_worse[i] && excess - half <= 0) || (is_better[i] && excess + half >= 0);
    if (touches) row->reason = "Holm's procedure is sure of it, though the interval by Bonferroni reaches zero";
  }
}

}  // namespace fewstep
