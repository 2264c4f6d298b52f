#pragma once
#include "verdicts/comparison.h"
#include "verdicts/matching.h"

#include <map>
#include <string>
#include <utility>

namespace fewstep {

// Decides. Quality: one family of tests over cells × metrics, paired over prompts; "worse" by Holm at alpha on
// one-sided p-values, intervals by Bonferroni at the same level, a pass where the interval lies inside the margin.
// "Better" and latency (Welch over processes) are families of their own. Throws Error (kUsage) for a gate that names a
// cell or metric that is not there.
Comparison judge(const Arm& baseline, const Arm& candidate, const Matching& matching, const Gate& gate);

// Decides what `prepare` left open, and the exit code.
void settle(Comparison& comparison);

// The half-width of each row's interval, by (cell, metric): what a comparison of the baseline with itself under another
// seed cannot tell apart.
using NoiseFloor = std::map<std::pair<std::string, std::string>, double>;
NoiseFloor noise_floor(const Comparison& of_itself);
// Notes the floor in every row. Throws Error (kUsage) where a margin lies below it: no run could pass for sure.
void apply_noise_floor(Comparison& comparison, const NoiseFloor& floor);

}  // namespace fewstep
