// Image preparation and the Fréchet distance with its standard error.
#include "images/resize.h"
#include "metrics/frechet.h"
#include "models/clip_pixels.h"

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

namespace fewstep {
namespace {

Image noise_image(int size) {
  std::mt19937 random(1);
  Image image{size, size, std::vector<std::uint8_t>(3ul * size * size)};
  for (auto& value : image.rgb) value = static_cast<std::uint8_t>(random());
  return image;
}

std::vector<float> rows(std::int64_t count, std::int64_t width, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(count * width));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = normal(random) / std::sqrt(1.f + static_cast<float>(i % static_cast<std::size_t>(width)));
  return values;
}

Gaussian gaussian(std::int64_t width, unsigned seed) {
  FeatureStatistics statistics;
  accumulate(statistics, rows(width + 256, width, seed), width);
  return fit(statistics);
}

// Args: side of the image, side of the result.
void resize(benchmark::State& state, PilFilter filter) {
  const Image image = noise_image(static_cast<int>(state.range(0)));
  const int size = static_cast<int>(state.range(1));
  for (auto _ : state) benchmark::DoNotOptimize(resize_pil(image, size, size, filter));
}
BENCHMARK_CAPTURE(resize, bilinear, PilFilter::kBilinear)
    ->Args({512, 299})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(resize, bicubic, PilFilter::kBicubic)
    ->Args({512, 224})
    ->Args({1024, 224})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void clip_preparation(benchmark::State& state) {
  const Image image = noise_image(512);
  for (auto _ : state) benchmark::DoNotOptimize(clip_pixels(image, 224));
}
BENCHMARK(clip_preparation)->Unit(benchmark::kMillisecond)->UseRealTime();

// Args: width of the features.
void distance(benchmark::State& state) {
  const std::int64_t width = state.range(0);
  const Gaussian a = gaussian(width, 1), b = gaussian(width, 2);
  for (auto _ : state) benchmark::DoNotOptimize(frechet_distance(a, b));
}
BENCHMARK(distance)->Arg(768)->Arg(2048)->Unit(benchmark::kMillisecond)->UseRealTime();

// Moments, distance and standard error of 5,000 images.
void score(benchmark::State& state) {
  const std::int64_t width = state.range(0), count = 5000;
  const auto features = rows(count, width, 1);
  const Gaussian reference = gaussian(width, 2);
  std::vector<std::int64_t> groups(static_cast<std::size_t>(count));
  std::iota(groups.begin(), groups.end(), 0);
  for (auto _ : state) benchmark::DoNotOptimize(frechet_score(features, width, groups, reference));
}
BENCHMARK(score)->Arg(768)->Arg(2048)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace fewstep
