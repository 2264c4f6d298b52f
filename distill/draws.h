#pragma once
#include "core/tensor.h"
#include "settings/recipe.h"

#include <ATen/core/Generator.h>

#include <cstdint>
#include <vector>

namespace fewstep {

// What a training step draws, all from its own generator on the CPU.

// [B] uniform in the range.
Tensor draw_omega(const OmegaRange& range, std::int64_t batch, at::Generator& generator, at::Device device);
// Integers in 0 … count−1.
std::vector<std::int64_t> draw_indices(std::int64_t count, std::int64_t batch, at::Generator& generator);
Tensor draw_noise(const Tensor& like, at::Generator& generator);

}  // namespace fewstep
