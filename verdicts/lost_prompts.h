#pragma once
#include "store/read_samples.h"
#include "verdicts/comparison.h"
#include "verdicts/matching.h"

#include <string>
#include <vector>

namespace fewstep {

// The prompts that a candidate lost most on, in the cells where it lost most.

struct LostPrompt {
  std::int64_t row = 0;
  std::string text;
  double worse = 0;  // by so much the metric of this prompt, or what the prompt adds to a distance
  std::optional<StoredSample> baseline, candidate;  // the prompt's first image
};
struct LostPrompts {
  std::string cell, metric;
  std::vector<LostPrompt> prompts;  // the worst first
};
// Of at most `cells` cells, those with the largest worsening in standard errors, each by one metric (CLIP score where
// it is there), at most `each` prompts. Cells whose influences are of groups have none.
std::vector<LostPrompts> lost_prompts(const Arm& baseline, const Arm& candidate, const Matching& matching,
                                      const Comparison& comparison, std::size_t cells, std::size_t each);

}  // namespace fewstep
