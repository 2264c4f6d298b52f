#include "reports/not_worse.h"

#include "metrics/student.h"

#include <algorithm>
#include <cmath>

namespace fewstep {
namespace {

// Prompts with which every upper bound of a cell would reach its margin.
std::optional<double> prompts_needed(const CellGap& cell, double tail) {
  double most = 0;
  for (const MetricGap& gap : cell.metrics) {
    const double room = gap.margin - gap.excess;
    if (!(room > 0)) return {};
    const double ratio = student_quantile(tail, gap.df) * gap.standard_error / room;
    most = std::max(most, std::ceil(ratio * ratio * static_cast<double>(cell.prompts)));
  }
  return most;
}

}  // namespace

NotWorse choose_not_worse(std::span<const CellGap> cells, double alpha) {
  std::size_t tests = 0;
  for (const CellGap& cell : cells) tests += cell.metrics.size();
  if (tests == 0) return {};
  const double tail = alpha / static_cast<double>(tests);
  NotWorse result;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const bool inside = std::ranges::all_of(cells[i].metrics, [&](const MetricGap& gap) {
      return gap.excess + student_quantile(tail, gap.df) * gap.standard_error <= gap.margin;
    });
    if (!inside || cells[i].metrics.empty()) continue;
    if (!result.cell || cells[i].forwards < cells[*result.cell].forwards) result.cell = i;
  }
  if (result.cell) return result;
  for (const CellGap& cell : cells) {
    if (cell.metrics.empty()) continue;
    if (const auto needed = prompts_needed(cell, tail))
      result.prompts_needed = std::min(result.prompts_needed.value_or(*needed), *needed);
  }
  return result;
}

}  // namespace fewstep
