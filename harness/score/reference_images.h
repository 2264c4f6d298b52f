#pragma once
#include "metrics/reference.h"
#include "settings/experiment.h"

#include <filesystem>
#include <iosfwd>

namespace fewstep {

// Whether a reference folder's content is taken from the cache (harness/score/reference_cache.h), where its files'
// names, sizes and times are known; or read and compared with it; or read alone.
enum class KnownFolders { kTake, kVerify, kIgnore };

// Statistics of a folder of images, kept in cache (empty: not kept); the scores are flagged where broken ones were left
// out. Throws Error (kInput) where these are more than the part max_left_out.
Reference reference_from_folder(const std::filesystem::path& images, const OpenMetric& metric,
                                const std::filesystem::path& cache, int batch, double max_left_out, KnownFolders known,
                                std::ostream& messages);

// The same of built-in scenes, drawn with kShapesImageSize pixels.
Reference reference_from_shapes(const ReferenceShapes& shapes, const OpenMetric& metric,
                                const std::filesystem::path& cache, int batch, std::ostream& messages);

// The floor of a metric: so many held-out reference images against the other ones. Of a folder they are the first in
// the order of stream_seed(0, number, 0), and the other images are the reference; of built-in scenes they are those
// that follow the reference's. NaN with "needs-N-reference-images" where a folder has too few.
Score floor_of_folder(const std::filesystem::path& images, const OpenMetric& metric, std::int64_t count, int batch,
                      double max_left_out, std::ostream& messages);
Score floor_of_shapes(const ReferenceShapes& shapes, const OpenMetric& metric, const ReferenceData& reference,
                      std::int64_t count, int batch, std::ostream& messages);

}  // namespace fewstep
