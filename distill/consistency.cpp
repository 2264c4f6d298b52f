#include "distill/consistency.h"

#include "core/error.h"

#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace fewstep {
namespace {

struct LevelPairs {
  std::vector<NoiseLevel> start, end;
};

LevelPairs level_pairs(const Schedule& schedule, const std::vector<TimePair>& times) {
  LevelPairs levels;
  for (const auto& [start, end] : times) {
    levels.start.push_back(level_at(schedule, static_cast<double>(start)));
    levels.end.push_back(level_at(schedule, static_cast<double>(end)));
  }
  return levels;
}

}  // namespace

std::int64_t time_pairs(const Schedule& schedule, std::int64_t skip_step) {
  const auto times = static_cast<std::int64_t>(schedule.alpha_bar.size());
  if (skip_step < 1 || skip_step > times)
    throw usage_error("skip_step", fmt::format("expected 1 to {}, got {}", times, skip_step));
  return times / skip_step;
}

TimePair time_pair(std::int64_t index, std::int64_t skip_step) {
  const std::int64_t start = skip_step * (index + 1) - 1;
  return {start, std::max<std::int64_t>(start - skip_step, 0)};
}

Tensor distance(const Distance& distance, const Tensor& a, const Tensor& b) {
  const Tensor squares = (a - b).square();
  if (!distance.huber) return squares.mean();
  return ((squares + distance.huber_c * distance.huber_c).sqrt() - distance.huber_c).mean();
}

Tensor lcd_loss(const BatchDenoiser& student, const BatchDenoiser& target, const BatchDenoiser& teacher,
                const SolverStep& solver, const Schedule& schedule, const ConsistencyBatch& batch,
                const Distance& measure) {
  const auto [from, to] = level_pairs(schedule, batch.times);
  const Levels start = stacked(from, batch.x0.device());
  const Tensor z = noised(batch.x0, batch.noise, start);
  Tensor wanted;
  {
    const c10::NoGradGuard no_grad;
    wanted = target(solver.run(teacher, schedule, z, from, to), stacked(to, batch.x0.device()));
  }
  return distance(measure, student(z, start), wanted);
}

Tensor lcf_loss(const BatchDenoiser& student, const BatchDenoiser& target, const Schedule& schedule,
                const ConsistencyBatch& batch, const Distance& measure) {
  const auto [from, to] = level_pairs(schedule, batch.times);
  const Levels start = stacked(from, batch.x0.device()), end = stacked(to, batch.x0.device());
  Tensor wanted;
  {
    const c10::NoGradGuard no_grad;
    wanted = target(noised(batch.x0, batch.noise, end), end);
  }
  return distance(measure, student(noised(batch.x0, batch.noise, start), start), wanted);
}

}  // namespace fewstep
