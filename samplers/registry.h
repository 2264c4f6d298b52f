#pragma once
#include "core/denoiser.h"
#include "core/rng.h"
#include "samplers/catalog.h"

#include <span>
#include <string_view>

namespace fewstep {

// x: initial noise [B,C,h,w] at levels.front(); levels: N evaluation levels and the final one (core/noise.h make_grid).
// Returns x at the final level. x is not modified.
using SampleFn = at::Tensor(const Denoiser& denoiser, at::Tensor x, std::span<const NoiseLevel> levels, Rng& rng);

// A row of samplers/catalog.h with its function.
struct Sampler : SamplerInfo {
  SampleFn* run;
};

std::span<const Sampler> samplers();
// Throws Error (kUsage) with the nearest known name.
const Sampler& find_sampler(std::string_view name);

}  // namespace fewstep
