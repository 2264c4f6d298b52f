// Our CUDA kernels on a CPU (tests/models/cuda_emulation.h) under ThreadSanitizer: two threads of a block that touch
// one place of shared memory without a barrier between them are reported. No LibTorch, which is not instrumented.
#include "models/cuda_emulation.h"
// after it
#include "models/cuda/kernels.cu"

#include <cmath>
#include <cstdio>
#include <vector>

namespace {

using fewstep::cuda::Images;
using fewstep::cuda::Number;

std::vector<float> numbers(std::int64_t count) {
  std::vector<float> all(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = std::sin(static_cast<float>(i));
  return all;
}

// 1 where a number is not finite.
int check(const char* kernel, const std::vector<float>& y) {
  for (const float one : y) {
    if (std::isfinite(one)) continue;
    std::printf("%s left a number out\n", kernel);
    return 1;
  }
  return 0;
}

int group_norm(const Images& shape, int groups) {
  const auto x = numbers(shape.images * shape.pixels * shape.channels), weight = numbers(shape.channels);
  std::vector<float> y(x.size(), NAN);
  std::vector<double> moments(static_cast<std::size_t>(shape.images * fewstep::cuda::chunks_of(shape) * groups * 2));
  fewstep::cuda::group_norm(Number::kFloat, x.data(), y.data(), shape, groups, weight.data(), weight.data(), 1e-5F,
                            true, moments.data(), nullptr);
  return check("group_norm", y);
}

int layer_norm(std::int64_t rows, int channels) {
  const auto x = numbers(rows * channels), weight = numbers(channels);
  std::vector<float> y(x.size(), NAN);
  fewstep::cuda::layer_norm(Number::kFloat, x.data(), y.data(), rows, channels, weight.data(), weight.data(), 1e-5F,
                            nullptr);
  return check("layer_norm", y);
}

int others() {
  const auto x = numbers(2 * 3 * 4 * 10);
  std::vector<float> y(120, NAN), z(240, NAN), w(2 * 4 * 2 * 5, NAN);
  fewstep::cuda::geglu(Number::kFloat, x.data(), y.data(), 24, 5, nullptr);
  fewstep::cuda::add(Number::kFloat, x.data(), z.data(), {2, 12, 10}, x.data(), x.data(), x.data(), nullptr);
  const auto phases = numbers(2 * 3 * 2 * 4 * 5);
  fewstep::cuda::interleave(Number::kFloat, phases.data(), w.data(), 2, 2, 1, 5, nullptr);
  return check("geglu", y) + check("add", z) + check("interleave", w);
}

}  // namespace

int main() {
  int failures = group_norm({2, 110, 320}, 32) + group_norm({1, 35, 64}, 16) + layer_norm(3, 320) + layer_norm(2, 33);
  failures += others() + fewstep::emulated::overruns;
  std::printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
