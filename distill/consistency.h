#pragma once
#include "distill/solver_step.h"

#include <cstdint>
#include <vector>

namespace fewstep {

// Where consistency training takes its pairs of times: start = k·(i+1) − 1 for i = 0 … T/k − 1, end = max(start − k,
// 0), as diffusers' train_lcm_distill scripts have it; k is the skip step of arXiv 2310.04378.
struct TimePair {
  std::int64_t start, end;
};
TimePair time_pair(std::int64_t index, std::int64_t skip_step);
std::int64_t time_pairs(const Schedule& schedule, std::int64_t skip_step);  // how many; throws Error (kUsage)

// d(a, b), averaged over all elements: squared l2, or pseudo-Huber √((a−b)² + c²) − c.
struct Distance {
  bool huber = false;
  double huber_c = 1e-3;
};
Tensor distance(const Distance& distance, const Tensor& a, const Tensor& b);

// What one step of consistency training draws. x0 (as the UNet sees it), noise: [B,4,h,w].
struct ConsistencyBatch {
  Tensor x0, noise;
  std::vector<TimePair> times;
};

// Latent consistency distillation (arXiv 2310.04378, algorithm 1): d(f_student(z_{n+k}), f_target(ẑ_n)), with ẑ_n one
// solver step of the teacher, which predicts x0 under guidance. Gradients reach the student alone.
Tensor lcd_loss(const BatchDenoiser& student, const BatchDenoiser& target, const BatchDenoiser& teacher,
                const SolverStep& solver, const Schedule& schedule, const ConsistencyBatch& batch,
                const Distance& distance);

// Latent consistency fine-tuning (algorithm 4): no teacher; z_{n+k} and z_n are x0 under one and the same noise.
Tensor lcf_loss(const BatchDenoiser& student, const BatchDenoiser& target, const Schedule& schedule,
                const ConsistencyBatch& batch, const Distance& distance);

}  // namespace fewstep
