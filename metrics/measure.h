#pragma once
#include "core/image.h"
#include "core/tensor.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace fewstep {

// A network that measures. Each image becomes one row of width numbers (FID: 2048 features; CLIP score: 1).
struct Measure {
  std::int64_t width = 1;
  std::string model_hash;  // goes into every cache key
  // What the network sees of one image, [1,…] float32 on the CPU; any thread may ask.
  std::function<Tensor(const Image& image)> prepare;
  // Prepared images [B,…] and their prompts → [B,width], row-major. Rows do not depend on the batch beyond 1e-5.
  std::function<std::vector<float>(const Tensor& prepared, std::span<const std::string> prompts)> run;

  // Both, for images that are there at once.
  std::vector<float> rows(std::span<const Image> images, std::span<const std::string> prompts) const;
};

// [B,width] on any device, row-major.
std::vector<float> to_rows(const Tensor& rows);

}  // namespace fewstep
