#pragma once
#include "harness/score.h"
#include "metrics/feature_statistics.h"
#include "settings/experiment.h"

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

namespace fewstep {

// What a metric compares images with.
struct Reference {
  Gaussian gaussian;
  std::string hash;                // SHA-256 of the statistics file, of the folder's images, or of the scenes' identity
  std::vector<std::string> flags;  // for the scores: "assumed-protocol"
};

// Statistics of the metric's protocol and network. Throws Error (kInput) where the file names others, and where it
// names no protocol and assume_protocol is not given.
Reference reference_from_file(const std::filesystem::path& npz, const OpenMetric& metric, bool assume_protocol);

// Statistics of a folder of images, computed once: kept in cache under a name made of the images' content, the protocol
// and the network. Throws Error (kInput) naming and counting images that cannot be decoded.
Reference reference_from_folder(const std::filesystem::path& images, const OpenMetric& metric,
                                const std::filesystem::path& cache, int batch, std::ostream& messages);

// The same of built-in scenes, drawn with kShapesImageSize pixels.
Reference reference_from_shapes(const ReferenceShapes& shapes, const OpenMetric& metric,
                                const std::filesystem::path& cache, int batch, std::ostream& messages);

// SHA-256 over names and contents of the images of a folder.
std::string hash_images(const std::filesystem::path& folder);

}  // namespace fewstep
