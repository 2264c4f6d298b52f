#include "images/tripwires.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace fewstep {
namespace {

constexpr int kFlatLevels = 2;
constexpr double kLeastCorrelation = 0.2;

bool is_one_colour(const Image& image) {
  std::array<std::uint8_t, 3> least{255, 255, 255}, most{0, 0, 0};
  for (std::size_t i = 0; i < image.rgb.size(); ++i) {
    least[i % 3] = std::min(least[i % 3], image.rgb[i]);
    most[i % 3] = std::max(most[i % 3], image.rgb[i]);
  }
  for (std::size_t channel = 0; channel < 3; ++channel)
    if (most[channel] - least[channel] > kFlatLevels) return false;
  return true;
}

// Pairs of neighbours, either of which may be the first.
class Pairs {
 public:
  void add(double a, double b) {
    count_ += 2;
    sum_ += a + b;
    squares_ += a * a + b * b;
    products_ += 2 * a * b;
  }
  double correlation() const {
    if (count_ == 0) return 1;
    const double mean = sum_ / count_, variance = squares_ / count_ - mean * mean;
    return variance <= 1e-9 ? 1 : (products_ / count_ - mean * mean) / variance;
  }

 private:
  double count_ = 0, sum_ = 0, squares_ = 0, products_ = 0;
};

}  // namespace

double neighbour_correlation(const Image& image) {
  const auto width = static_cast<std::size_t>(image.width), height = static_cast<std::size_t>(image.height);
  std::vector<double> luminance(width * height);
  for (std::size_t i = 0; i < luminance.size(); ++i)
    luminance[i] = 0.299 * image.rgb[3 * i] + 0.587 * image.rgb[3 * i + 1] + 0.114 * image.rgb[3 * i + 2];
  Pairs pairs;
  for (std::size_t y = 0; y < height; ++y) {
    for (std::size_t x = 0; x < width; ++x) {
      const double here = luminance[y * width + x];
      if (x + 1 < width) pairs.add(here, luminance[y * width + x + 1]);
      if (y + 1 < height) pairs.add(here, luminance[(y + 1) * width + x]);
    }
  }
  return pairs.correlation();
}

Trips trips_of(const Image& image) {
  if (is_one_colour(image)) return kOneColour;
  return neighbour_correlation(image) < kLeastCorrelation ? kNoise : 0;
}

}  // namespace fewstep
