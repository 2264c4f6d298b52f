#pragma once
#include "metrics/registry.h"
#include "settings/requests.h"

#include <iosfwd>
#include <span>
#include <string>
#include <vector>

namespace fewstep {

struct MetricScore {
  std::string metric, protocol;
  Score score;
};

// The settings of each metric, checked before anything is loaded. Throws Error (kUsage), also for an option that no
// metric uses.
std::vector<MetricSettings> metric_settings(const ScoreRequest& request);

// One pass over the images (and one over a folder of reference images) for all metrics; a batch of images in memory at
// most. Throws Error (kInput) for broken images (unless skip_broken), captions that do not match them, and a reference
// of another protocol or network. Warnings and progress go to messages.
std::vector<MetricScore> score_images(const ScoreRequest& request, std::span<const OpenMetric> metrics,
                                      std::ostream& messages);

// The whole command: results to out as a table or as JSON ({"scores": […]}), the rest to messages.
void run_score(const ScoreRequest& request, std::ostream& out, std::ostream& messages);

void print_scores(std::span<const MetricScore> scores, bool json, std::ostream& out);

}  // namespace fewstep
