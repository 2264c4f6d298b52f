#pragma once
#include "metrics/registry.h"

#include <filesystem>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fewstep {

// fewstep score: metrics of images made elsewhere.
struct ScoreRequest {
  std::filesystem::path images = {};
  std::optional<std::filesystem::path> reference = {};  // a folder of images, or statistics (.npz)
  std::vector<std::string> metrics = {};                // NAME or NAME:PROTOCOL
  std::filesystem::path inception = {};                 // weights of fid
  std::filesystem::path clip = {};                      // folder of clip-score's model
  std::optional<std::filesystem::path> prompts = {};    // one caption for each image, in the order of sorted names
  std::string device = "auto";
  int batch = 16;
  bool assume_protocol = false;  // take statistics that do not name their protocol
  bool skip_broken = false;      // leave out images that cannot be decoded, and flag the scores
  bool json = false;
};

struct MetricScore {
  std::string metric, protocol;
  Score score;
};

// A metric of the request with its network loaded.
struct OpenMetric {
  const Metric* metric = nullptr;
  MetricSettings settings;
  Measure measure;
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
