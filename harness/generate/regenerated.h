#pragma once
#include "core/dtype.h"
#include "core/image.h"
#include "harness/generate/generate.h"
#include "store/store.h"

#include <span>
#include <string>
#include <vector>

namespace fewstep {

// Images that are made again, for a metric that was added: another batch, thread count or machine rounds otherwise, and
// then the stored image and the new one are compared by what is left of the stored one.

// Mean levels of 8 x 8 parts of the image, rounded, RGB by rows: 192 bytes.
std::string fingerprint(const Image& image);

// How far apart two images of one latent may lie that differ by rounding alone, in levels of 255.
struct RoundingBounds {
  int levels;    // of any value
  double share;  // of the values that may differ at all
  double mean;   // of all values
};
RoundingBounds rounding_bounds(at::ScalarType dtype);
// Images of one size, a value at a time.
bool are_close(const Image& a, const Image& b, const RoundingBounds& bounds);
bool are_close(const std::string& fingerprint_a, const std::string& fingerprint_b, const RoundingBounds& bounds);

// Marks the samples whose stored image has another hash and is close: by the kept image where there is one; else by
// the rows of metrics that are stored (CLIP score within 0.05, features within 1e-3 relative); else by the
// fingerprint. What is not marked and not equal is an error in Store::add_batch. rows: of this batch, as measured now.
void mark_regenerated(Store& store, std::int64_t series_id, std::vector<SampleRow>& samples,
                      std::span<const Image> images, std::span<const MetricRows> rows, const RoundingBounds& bounds);

}  // namespace fewstep
