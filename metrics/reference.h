#pragma once
#include "core/image.h"
#include "metrics/registry.h"

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace fewstep {

// What a metric compares images with, and what it was made of.
struct Reference {
  ReferenceData data;       // of the metric's kind
  std::string hash;         // SHA-256 of the statistics file, or of what the images are made of
  std::vector<Flag> flags;  // for the scores: "assumed-protocol"
};

// Statistics of the metric's protocol and network. Throws Error (kInput) where the file names others, and where it
// names no protocol and assume_protocol is not given.
Reference reference_from_file(const std::filesystem::path& npz, const OpenMetric& metric, bool assume_protocol);

// Hands images over, batch by batch.
using ImageBatches = std::function<void(const std::function<void(std::span<const Image>)>& use)>;
// The reference of the images' rows for each of the metrics, in one pass.
std::vector<ReferenceData> fit_images(std::span<const OpenMetric* const> metrics, const ImageBatches& batches);
// The same for one metric, computed once: kept in cache (empty: not kept; a warning where it cannot be written) under a
// name made of the images' hash, the metric whose rows it takes, its protocol and its network.
Reference reference_from_batches(const std::string& hash, const OpenMetric& metric, const std::filesystem::path& cache,
                                 const ImageBatches& batches);

}  // namespace fewstep
