#pragma once
#include "core/error.h"
#include "store/influence.h"
#include "verdicts/gate.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fewstep {

// Fewer processes of an arm give no time.
inline constexpr std::int64_t kLeastProcesses = 5;

enum class Verdict {
  kIdentical,      // the same images to the bit: nothing to tell apart
  kPass,           // worse by less than the margin, surely
  kImproved,       // better, surely
  kRegressed,      // worse, surely, and not surely by less than the margin
  kTripped,        // an image trips a wire: the numbers of this cell say nothing
  kInconclusive,   // neither is sure
  kNotComparable,  // what must be equal is not
  kIncomplete,     // a number is missing
};
struct VerdictInfo {
  std::string_view name, sign;  // sign: in tables
  ExitCode code;
};
const VerdictInfo& info(Verdict verdict);

// One metric of one pair of cells. "Worse" is positive whatever the metric's direction.
struct ComparedRow {
  std::string cell, metric, protocol;  // metric: a name of the catalog, or "latency"
  bool higher_is_better = false;
  std::size_t pair = 0;                  // of Comparison::matching
  double baseline = 0, candidate = 0;    // NaN where it is missing
  std::optional<Difference> difference;  // candidate − baseline
  double low = 0, high = 0;              // Bonferroni's interval of the difference, where there is one
  double p_worse = 1, p_better = 1;      // one-sided
  std::int64_t units = 0;                // prompts, groups or processes
  double df = 1;                         // degrees of freedom of the standard error
  std::vector<double> of_units = {};     // what each adds to the difference, mean 0
  bool of_groups = false;                // the units are groups of prompts
  double margin = 0;                     // how much worse it may be, in the metric's unit
  Size margin_size;                      // the same as the gate gives it
  std::optional<double> noise_floor;     // half-width of the interval of the baseline against itself
  Verdict verdict = Verdict::kIncomplete;
  bool counts = true;                    // for the exit code
  std::string reason;                    // in words, where the numbers do not say it
  std::optional<double> prompts_needed;  // to settle an inconclusive CLIP score
};

// By how much the difference is worse, whatever the metric's direction. Needs a difference.
inline double worse(const ComparedRow& row) {
  return row.higher_is_better ? -row.difference->value : row.difference->value;
}

// A tripwire in one pair of cells.
struct TrippedRow {
  std::string cell, tripwire;
  std::int64_t baseline = 0, candidate = 0, images = 0;  // candidate, baseline: images that trip it
  std::int64_t fresh = 0;                                // of the candidate's those whose like in the baseline does not
  std::int64_t allowed = 0;
  bool fails = false;
};

struct ComparedArm {
  std::string text, experiment, checkpoints, started, version;
  std::int64_t run = 0;
};

struct Comparison {
  ComparedArm baseline, candidate;
  double alpha = 0.05;
  std::int64_t tests = 0;  // of quality, over which error is controlled
  std::vector<ComparedRow> rows;
  std::vector<TrippedRow> tripped;
  std::vector<std::string> incomplete, unequal, notes;
  std::string statement;  // what the verdict is about
  ExitCode code = ExitCode::kOk;
};

// "regression", "pass" …: what the exit code says.
std::string_view outcome_of(ExitCode code);

}  // namespace fewstep
