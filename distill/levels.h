#pragma once
#include "checkpoints/prediction.h"
#include "core/noise.h"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace fewstep {

Levels stacked(std::span<const NoiseLevel> levels, at::Device device);
// Levels of integer times.
Levels levels_at(const Schedule& schedule, std::span<const std::int64_t> times, at::Device device);

// x = alpha·x0 + sigma·eps.
Tensor noised(const Tensor& x0, const Tensor& eps, const Levels& levels);

// Predicts for each element of a batch at its own level: x0, or a consistency function's value. x [B,4,h,w].
using BatchDenoiser = std::function<Tensor(const Tensor& x, const Levels& levels)>;

// Where λ = log(alpha/sigma) has this value, times between the schedule's interpolated as level_at does.
// Throws Error (kUsage) outside the schedule.
NoiseLevel level_at_lambda(const Schedule& schedule, double lambda);

}  // namespace fewstep
