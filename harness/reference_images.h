#pragma once
#include "metrics/reference.h"
#include "settings/experiment.h"

#include <filesystem>
#include <iosfwd>

namespace fewstep {

// Statistics of a folder of images, kept in cache. Throws Error (kInput) naming and counting images that cannot be
// decoded.
Reference reference_from_folder(const std::filesystem::path& images, const OpenMetric& metric,
                                const std::filesystem::path& cache, int batch, std::ostream& messages);

// The same of built-in scenes, drawn with kShapesImageSize pixels.
Reference reference_from_shapes(const ReferenceShapes& shapes, const OpenMetric& metric,
                                const std::filesystem::path& cache, int batch, std::ostream& messages);

}  // namespace fewstep
