#include "verdicts/judge.h"
#include "verdicts/prepare.h"
#include "verdicts/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

namespace fewstep {

void fill_latency(ComparedRow& row, const CellPair& pair, const Arm& baseline, const Arm& candidate, const Size& margin,
                  bool asked, Comparison& comparison) {
  std::optional<int> batch;
  for (const BatchTiming& a : pair.baseline->timings)
    for (const BatchTiming& b : pair.candidate->timings)
      if (a.batch == b.batch && !batch) batch = a.batch;
  if (!batch) {
    row.verdict = Verdict::kIncomplete;
    row.reason = "no time at a batch size that both arms have";
    if (asked) comparison.incomplete.push_back(row.cell + ": latency: " + row.reason);
    return;
  }
  row.protocol = fmt::format("batch {}", *batch);
  const auto medians = [&](const Arm& arm, const StoredCell& cell) {
    return process_medians(*arm.store, cell.series_id, arm.environment, *batch);
  };
  const auto ours = medians(baseline, *pair.baseline), theirs = medians(candidate, *pair.candidate);
  if (!ours.empty()) row.baseline = quantiles_of(ours).median;
  if (!theirs.empty()) row.candidate = quantiles_of(theirs).median;
  if (std::isfinite(row.baseline)) row.margin = margin.of(row.baseline);
  if (baseline.environment_json != candidate.environment_json) {
    row.verdict = Verdict::kNotComparable;
    row.reason = "measured in another environment";
    if (asked) comparison.unequal.push_back(row.cell + ": latency: " + row.reason);
    return;
  }
  row.verdict = Verdict::kInconclusive;
  row.units = static_cast<std::int64_t>(std::min(ours.size(), theirs.size()));
  if (row.units < kLeastProcesses) {
    row.reason = fmt::format("{} and {} processes: fewer than {} say nothing sure; --retime measures more", ours.size(),
                             theirs.size(), kLeastProcesses);
    return;
  }
  row.counts = true;
  const WelchDifference difference = welch(ours, theirs);
  row.difference = Difference{difference.value, difference.standard_error};
  row.df = difference.df;
}

}  // namespace fewstep
