#pragma once
#include "images/files.h"
#include "metrics/registry.h"
#include "settings/requests.h"

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <span>
#include <string>
#include <vector>

namespace fewstep {

// What scoring a folder begins with, whether its scores are printed or kept.

struct Captions {
  std::vector<std::string> texts;    // of each image; empty without --prompts
  std::vector<std::int64_t> groups;  // images of one caption are not independent
  std::vector<std::int64_t> rows;    // of each image's caption in its file
  std::string source;                // PromptSet::source
  bool names_files = false;
};
// Pairs the captions of --prompts with the files (datasets/pairing.h).
Captions read_captions(const ScoreRequest& request, std::span<const std::filesystem::path> files,
                       std::ostream& messages);

// The images that every metric measures. A folder of which they count different files is measured metric by metric.
ImageList images_for(const std::filesystem::path& folder, std::span<const OpenMetric* const> metrics);

}  // namespace fewstep
