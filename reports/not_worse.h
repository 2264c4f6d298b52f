#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace fewstep {

// One metric of a student's cell against its teacher's, paired over prompts.
struct MetricGap {
  double excess = 0;  // by how much the student is worse, whatever the metric's direction
  double standard_error = 0, df = 1, margin = 0;
};
struct CellGap {
  double forwards = 0;  // per image
  std::int64_t prompts = 0;
  std::vector<MetricGap> metrics;
};

// The cell of fewest forwards that is not worse in any metric by more than its margin, at the family-wise error alpha:
// each upper bound is Bonferroni's over all cells × metrics, like the interval of `fewstep compare`.
struct NotWorse {
  std::optional<std::size_t> cell;
  // Where there is none: prompts that would show it of some cell if every difference stayed as it is; nothing where a
  // metric of every cell is beyond its margin.
  std::optional<double> prompts_needed;
};
NotWorse choose_not_worse(std::span<const CellGap> cells, double alpha);

}  // namespace fewstep
