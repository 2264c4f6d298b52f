#include "core/rng.h"

#include "core/error.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/randn.h>

#include <fmt/format.h>

#include <memory>
#include <string>

namespace fewstep {
namespace {

std::uint64_t splitmix64(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

std::string text_of(at::IntArrayRef sizes) {
  std::string text = "[";
  for (const auto size : sizes) text += fmt::format("{}{}", (text.size() > 1 ? "," : ""), size);
  return text + "]";
}

}  // namespace

std::uint64_t stream_seed(std::uint64_t seed, std::int64_t row, std::int64_t image_index) {
  const auto mixed = splitmix64(splitmix64(splitmix64(seed) ^ static_cast<std::uint64_t>(row)) ^
                                static_cast<std::uint64_t>(image_index));
  return mixed >> 1;
}

Rng image_rng(std::span<const std::uint64_t> streams) {
  auto generators = std::make_shared<std::vector<at::Generator>>();
  for (const auto stream : streams) generators->push_back(at::make_generator<at::CPUGeneratorImpl>(stream));
  return {[generators](at::IntArrayRef sizes) {
    if (sizes.empty() || sizes[0] != static_cast<std::int64_t>(generators->size())) {
      throw input_error("noise",
                        fmt::format("expected a batch of {}, got the shape {}", generators->size(), text_of(sizes)));
    }
    std::vector<std::int64_t> one(sizes.begin(), sizes.end());
    one[0] = 1;
    std::vector<at::Tensor> draws;
    for (auto& generator : *generators) draws.push_back(at::randn(one, generator, at::TensorOptions(at::kFloat)));
    return at::cat(draws);
  }};
}

Rng recorded_rng(at::Tensor noise) {
  auto next = std::make_shared<std::int64_t>(0);
  return {[noise = std::move(noise), next](at::IntArrayRef sizes) {
    if (noise.dim() == 0 || *next >= noise.size(0)) {
      throw input_error("noise", fmt::format("expected more than {} recorded draws", *next));
    }
    if (noise.sizes().slice(1) != sizes) {
      throw input_error("noise",
                        "expected draws of shape " + text_of(sizes) + ", got " + text_of(noise.sizes().slice(1)));
    }
    return noise[(*next)++].to(at::kFloat).cpu();
  }};
}

}  // namespace fewstep
