// FID∞: what a Fréchet distance tends to as the images become more, read off from sizes that are there.
#include "core/rng.h"
#include "metrics/clustered_error.h"
#include "metrics/frechet.h"

#include <algorithm>
#include <numeric>
#include <string>

namespace fewstep {
namespace {

constexpr std::int64_t kSizes = 15;

// The weights w with which Σ w·y is the value at x = 0 of the least-squares line through (x, y).
std::vector<double> intercept_weights(const std::vector<double>& x) {
  const auto count = static_cast<double>(x.size());
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / count;
  double squares = 0;
  for (const double value : x) squares += (value - mean) * (value - mean);
  std::vector<double> weights;
  for (const double value : x) weights.push_back(1 / count - mean * (value - mean) / squares);
  return weights;
}

}  // namespace

// 5,000 at Inception's 2,048 dimensions, as its authors take, and as many a dimension elsewhere.
std::int64_t smallest_infinity_size(std::int64_t width) { return (width * 5000 + 2047) / 2048; }

std::vector<std::int64_t> infinity_sizes(std::int64_t count, std::int64_t width) {
  const std::int64_t first = smallest_infinity_size(width);
  if (count < 2 * first) return {};
  std::vector<std::int64_t> sizes;
  for (std::int64_t i = 0; i < kSizes; ++i) sizes.push_back(first + (count - first) * i / (kSizes - 1));
  return sizes;
}

std::vector<std::size_t> infinity_order(std::span<const std::int64_t> prompts) {
  std::vector<std::size_t> order(prompts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto key = [&](std::size_t row) { return std::pair(stream_seed(0, prompts[row], 0), prompts[row]); };
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  return order;
}

ScoreWithInfluence frechet_infinity_score(std::span<const float> rows, std::int64_t width,
                                          std::span<const std::int64_t> prompts, const Gaussian& reference) {
  const auto count = static_cast<std::int64_t>(prompts.size());
  const auto sizes = infinity_sizes(count, width);
  if (sizes.empty()) {
    return {{.count = count, .flags = {{FlagKind::kNeedsImages, 2 * smallest_infinity_size(width)}}}, {}};
  }
  const auto order = infinity_order(prompts);
  std::vector<float> ordered;
  ordered.reserve(rows.size());
  for (const std::size_t row : order) {
    const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(row) * width;
    ordered.insert(ordered.end(), begin, begin + width);
  }
  std::vector<double> inverse;
  for (const std::int64_t size : sizes) inverse.push_back(1 / static_cast<double>(size));
  const auto weights = intercept_weights(inverse);
  ScoreWithInfluence result;
  result.score.value = 0;
  result.score.count = count;
  result.influence.of_image.resize(prompts.size());
  for (std::size_t s = 0; s < sizes.size(); ++s) {
    const auto part = static_cast<std::size_t>(sizes[s]);
    const auto [distance, influence] =
        frechet_influence(std::span(ordered).first(part * static_cast<std::size_t>(width)), width, reference);
    result.score.value += weights[s] * distance;
    const double share = weights[s] * static_cast<double>(count) * inverse[s];
    for (std::size_t i = 0; i < part; ++i) result.influence.of_image[order[i]] += share * influence[i];
  }
  result.score.standard_error = clustered_standard_error(result.influence.of_image, prompts);
  if (reference.count > 0 && reference.count <= width) result.score.flags.push_back(FlagKind::kReferenceRankDeficient);
  return result;
}

}  // namespace fewstep
