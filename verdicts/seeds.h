#pragma once
#include "verdicts/comparison.h"

#include <string>
#include <vector>

namespace fewstep {

// An arm of several stores, "a.sqlite,b.sqlite": one for each seed.
std::vector<std::string> split_arm(const std::string& text);

// The mean over comparisons that were prepared, seed by seed, of the same cells. What each prompt adds is averaged, so
// that noise falls; where the seeds are of other checkpoints, the spread of their scores is added to the standard
// error: the verdict then is about the method. Rows that one seed lacks are incomplete. Not decided yet.
Comparison mean_over_seeds(std::vector<Comparison> seeds);

}  // namespace fewstep
