#include "verdicts/judge.h"

#include "reports/scores.h"
#include "verdicts/decide.h"
#include "verdicts/prepare.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

namespace fewstep {
namespace {

constexpr std::array<VerdictInfo, 8> kVerdicts{{
    {"identical", "=", ExitCode::kOk},
    {"pass", "✓", ExitCode::kOk},
    {"improved", "↑", ExitCode::kOk},
    {"regressed", "✗", ExitCode::kRegression},
    {"tripped", "✗", ExitCode::kRegression},
    {"inconclusive", "?", ExitCode::kInconclusive},
    {"not comparable", "≠", ExitCode::kNotComparable},
    {"incomplete", "…", ExitCode::kIncomplete},
}};

}  // namespace

const VerdictInfo& info(Verdict verdict) { return kVerdicts[static_cast<std::size_t>(verdict)]; }

std::string_view outcome_of(ExitCode code) {
  switch (code) {
    case ExitCode::kOk:
      return "pass";
    case ExitCode::kRegression:
      return "regression";
    case ExitCode::kInconclusive:
      return "inconclusive";
    case ExitCode::kNotComparable:
      return "not comparable";
    default:
      return "incomplete";
  }
}

void settle(Comparison& comparison) {
  std::vector<ComparedRow*> quality, latency;
  for (ComparedRow& row : comparison.rows) {
    if (!row.difference || row.verdict != Verdict::kInconclusive) continue;
    (row.metric == kLatency ? latency : quality).push_back(&row);
  }
  comparison.tests = static_cast<std::int64_t>(quality.size());
  decide(quality, comparison.alpha);
  decide(latency, comparison.alpha);
  std::set<std::string> tripped;
  for (const TrippedRow& row : comparison.tripped)
    if (row.fails) tripped.insert(row.cell);
  for (ComparedRow& row : comparison.rows) {
    if (row.metric == kLatency || !tripped.contains(row.cell) || info(row.verdict).code == ExitCode::kIncomplete)
      continue;
    row.verdict = Verdict::kTripped;
    row.reason = "an image of this cell trips a wire, so that no metric of it is to be believed";
  }
  std::set<ExitCode> codes;
  if (!comparison.incomplete.empty()) codes.insert(ExitCode::kIncomplete);
  if (!comparison.unequal.empty()) codes.insert(ExitCode::kNotComparable);
  if (!tripped.empty()) codes.insert(ExitCode::kRegression);
  bool judged = false;
  for (const ComparedRow& row : comparison.rows) {
    judged |= row.counts;
    if (row.counts) codes.insert(info(row.verdict).code);
  }
  if (!judged && codes.empty()) codes.insert(ExitCode::kIncomplete);
  for (const ExitCode code :
       {ExitCode::kOk, ExitCode::kInconclusive, ExitCode::kRegression, ExitCode::kNotComparable, ExitCode::kIncomplete})
    if (codes.contains(code)) comparison.code = code;
}

Comparison judge(const Arm& baseline, const Arm& candidate, const Matching& matching, const Gate& gate) {
  Comparison comparison = prepare(baseline, candidate, matching, gate);
  const auto elsewhere = [](const Arm& arm) { return made_elsewhere(arm.table.cells.front()); };
  comparison.statement =
      elsewhere(baseline) || elsewhere(candidate)
          ? "This is about these images, not about what made them: its other seeds were not tried."
          : "This is about these checkpoint files, not about the method: training seeds were not varied.";
  settle(comparison);
  return comparison;
}

NoiseFloor noise_floor(const Comparison& of_itself) {
  NoiseFloor floor;
  for (const ComparedRow& row : of_itself.rows)
    if (row.difference && row.metric != kLatency)
      floor[{row.cell, row.metric + ":" + row.protocol}] = (row.high - row.low) / 2;
  return floor;
}

void apply_noise_floor(Comparison& comparison, const NoiseFloor& floor) {
  for (ComparedRow& row : comparison.rows) {
    if (row.metric == kLatency) continue;
    const auto found = floor.find({row.cell, row.metric + ":" + row.protocol});
    if (found == floor.end())
      throw usage_error("--noise-floor", "expected the floor of " + row.cell + ", " + row.metric + "; there is none");
    row.noise_floor = found->second;
    if (!row.counts || row.margin >= *row.noise_floor) continue;
    std::string what = fmt::format("{}, {}: expected a margin of at least the noise floor {:.4g}, got {:.4g}", row.cell,
                                   row.metric, *row.noise_floor, row.margin);
    if (is_mean_of_images(row.metric) && row.units > 0 && row.margin > 0)
      what += fmt::format("; {:.0f} prompts would do",
                          std::ceil(static_cast<double>(row.units) * std::pow(*row.noise_floor / row.margin, 2)));
    throw usage_error("--noise-floor", what + "; widen the margin, or take more prompts");
  }
}

}  // namespace fewstep
