#pragma once
#include "harness/score/score.h"

#include <iosfwd>
#include <span>
#include <vector>

namespace fewstep {

// Scores a folder as score_images does and keeps all of it in a store, as one cell of a run: an arm that can be
// compared. Each image belongs to its caption's row; images that a table gives the same text are several of its first
// row. Throws as score_images, and Error (kUsage) without captions.
std::vector<MetricScore> score_arm(const ScoreRequest& request, std::span<const OpenMetric> metrics, at::Device device,
                                   std::ostream& messages);

}  // namespace fewstep
