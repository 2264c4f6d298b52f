#pragma once
#include "checkpoints/evaluator.h"
#include "core/denoiser.h"

#include <cstdint>

namespace fewstep {

// A noise level for each element of a batch. time [B]; alpha, sigma [B,1,1,1]; float32, computed in float64.
struct Levels {
  Tensor time, alpha, sigma;
};

// x0 from the network's prediction at a level. x, out: [B,4,h,w]; float32 arithmetic.
Tensor x0_from(Prediction prediction, const Tensor& x, const Tensor& out, const NoiseLevel& level);
Tensor x0_from(Prediction prediction, const Tensor& x, const Tensor& out, const Levels& levels);
// What the network should have predicted: eps, or v = alpha·eps − sigma·x0, or x0.
Tensor target_of(Prediction prediction, const Tensor& x0, const Tensor& eps, const Levels& levels);

// The consistency model's boundary condition: c_skip and c_out at a time, sigma_data = 0.5.
struct Boundary {
  double c_skip, c_out;
};
Boundary boundary_at(double time, double timestep_scaling, double sigma_data = 0.5);

// The x0 denoiser of a checkpoint under a text and omega (the LCM paper's scale, guidance_scale = 1 + omega):
//  teacher: classifier-free guidance in one 2B batch (plain when omega = 0);
//  omega-embedded students: one forward with embed_omega(omega); students without the embedding: plain when omega = 0,
//  else classifier-free guidance; consistency models: f = c_skip·x + c_out·x0.
// evaluator must outlive it. forwards, when given, grows by the evaluations per image that it asks for (CFG counts as
// two), whoever computed them.
Denoiser make_denoiser(Evaluator& evaluator, double omega, std::int64_t* forwards = nullptr);
// The same where a sampler takes the checkpoint for another kind: lcm asks a teacher for the consistency function.
Denoiser make_denoiser(Evaluator& evaluator, CheckpointKind as, double omega, std::int64_t* forwards);

}  // namespace fewstep
