#include "harness/generate/regenerated.h"

#include "core/error.h"
#include "images/files.h"
#include "store/read.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace fewstep {
namespace {

constexpr int kParts = 8;  // of the fingerprint along each side
constexpr double kClipScore = 0.05;
constexpr double kFeatures = 1e-3;  // of a row's length

// The kept file, where it can still be read and is still the image that the store means.
std::optional<Image> kept_image(Store& store, const StoredImage& stored) {
  if (stored.image_path.empty()) return {};
  try {
    Image image = read_image(stored_image(store, stored.image_path));
    if (image_hash(image) == stored.image_sha256) return image;
  } catch (const Error&) {
    return {};  // removed or damaged: the next comparison decides
  }
  return {};
}

bool are_close(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b, const RoundingBounds& bounds) {
  std::size_t different = 0;
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const int levels = std::abs(int{a[i]} - int{b[i]});
    if (levels > bounds.levels) return false;
    different += levels > 0;
    sum += levels;
  }
  const auto count = static_cast<double>(a.size());
  return static_cast<double>(different) <= bounds.share * count && static_cast<double>(sum) <= bounds.mean * count;
}

bool rows_are_close(std::span<const float> stored, std::span<const float> now) {
  if (stored.size() != now.size()) return false;
  double difference = 0, length = 0;
  for (std::size_t i = 0; i < now.size(); ++i) {
    difference += (double{stored[i]} - now[i]) * (double{stored[i]} - now[i]);
    length += double{stored[i]} * stored[i];
  }
  return std::sqrt(difference) <= (now.size() == 1 ? kClipScore : kFeatures * std::sqrt(length));
}

}  // namespace

std::string fingerprint(const Image& image) {
  std::string bytes;
  const auto part = [](int index, int size) { return std::min(index * size / kParts, size - 1); };
  const auto end = [](int index, int size) { return std::max((index + 1) * size / kParts, index * size / kParts + 1); };
  for (int row = 0; row < kParts; ++row) {
    for (int column = 0; column < kParts; ++column) {
      const int top = part(row, image.height), bottom = std::min(end(row, image.height), image.height);
      const int left = part(column, image.width), right = std::min(end(column, image.width), image.width);
      for (int channel = 0; channel < 3; ++channel) {
        std::int64_t sum = 0;
        for (int y = top; y < bottom; ++y)
          for (int x = left; x < right; ++x)
            sum += image.rgb[(static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) +
                              static_cast<std::size_t>(x)) *
                                 3 +
                             static_cast<std::size_t>(channel)];
        const std::int64_t count = std::int64_t{bottom - top} * (right - left);
        bytes += static_cast<char>((sum + count / 2) / count);
      }
    }
  }
  return bytes;
}

RoundingBounds rounding_bounds(at::ScalarType dtype) {
  if (dtype == at::kFloat) return {1, 0.01, 0.01};
  return {255, 1, 5};  // measured: docs/parity.md
}

bool are_close(const Image& a, const Image& b, const RoundingBounds& bounds) {
  return a.height == b.height && a.width == b.width &&
         are_close(std::span<const std::uint8_t>(a.rgb), std::span<const std::uint8_t>(b.rgb), bounds);
}

// A mean that is rounded may move by a level where nearly nothing did.
bool are_close(const std::string& a, const std::string& b, const RoundingBounds& bounds) {
  const auto bytes = [](const std::string& text) {
    return std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  };
  return a.size() == b.size() && are_close(bytes(a), bytes(b), {bounds.levels, 1, std::max(bounds.mean, 1.0)});
}

void mark_regenerated(Store& store, std::int64_t series_id, std::vector<SampleRow>& samples,
                      std::span<const Image> images, std::span<const MetricRows> rows, const RoundingBounds& bounds) {
  for (std::size_t i = 0; i < samples.size(); ++i) {
    SampleRow& sample = samples[i];
    const auto stored = store.find_image(series_id, sample.prompt_row, sample.image_index);
    if (!stored || stored->image_sha256 == sample.image_sha256 || stored->seed != sample.seed) continue;
    if (const auto kept = kept_image(store, *stored)) {
      sample.regenerated = are_close(*kept, images[i], bounds);
      continue;
    }
    bool compared = false, close = true;
    for (const MetricRows& metric : rows) {
      const auto old = store.row_of(series_id, metric.metric_id, sample.prompt_row, sample.image_index);
      if (old.empty()) continue;
      compared = true;
      const auto width = static_cast<std::size_t>(metric.width);
      close &= rows_are_close(old, std::span(metric.values).subspan(i * width, width));
    }
    sample.regenerated =
        compared ? close : !stored->fingerprint.empty() && are_close(stored->fingerprint, sample.fingerprint, bounds);
  }
}

}  // namespace fewstep
