#pragma once
#include "metrics/reference.h"
#include "settings/experiment.h"

#include <filesystem>
#include <iosfwd>

namespace fewstep {

// Statistics of a folder of images, kept in cache; the scores are flagged where broken ones were left out. Throws Error
// (kInput) where these are more than the part max_left_out.
Reference reference_from_folder(const std::filesystem::path& images, const OpenMetric& metric,
                                const std::filesystem::path& cache, int batch, double max_left_out,
                                std::ostream& messages);

// The same of built-in scenes, drawn with kShapesImageSize pixels.
Reference reference_from_shapes(const ReferenceShapes& shapes, const OpenMetric& metric,
                                const std::filesystem::path& cache, int batch, std::ostream& messages);

}  // namespace fewstep
