#pragma once
#include "reports/view.h"
#include "store/read.h"

#include <filesystem>
#include <string>
#include <vector>

namespace fewstep {

// A metric over the checkpoints of a series, or of several stores: a line for each sampler, steps and ω. Checkpoints
// stand in the order of the stores, in each by their training step or the last number of their name, else as they were
// run. Intervals are 95 %; a change point is where the difference from the first checkpoint since the last change point
// is beyond the noise of the whole line (paired over prompts where they are equal; Bonferroni over the line's points at
// 0.05). Throws Error: kUsage for a metric that no run has, kInput for a broken store.
View history_of(const std::vector<std::filesystem::path>& stores, const std::string& metric);

}  // namespace fewstep
