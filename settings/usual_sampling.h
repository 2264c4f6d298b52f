#pragma once
#include "checkpoints/checkpoint_info.h"
#include "settings/experiment.h"

#include <optional>
#include <string>

namespace fewstep {

// What fewstep.json says of a student's training; absent where it does not.
struct Training {
  std::optional<double> omega_low, omega_high;  // the range of ω
  std::optional<int> steps;
};

// How to sample a checkpoint where the user does not say.
struct UsualSampling {
  std::string sampler;
  int steps = 0;
  Guidance guidance;
  std::string why;  // where that is not what the checkpoint's kind suggests; else empty
};

// A diffusion model: dpm++, 25 steps, and guidance_scale 7.5 (diffusers' StableDiffusionPipeline); one whose scheduler
// is Euler on trailing times (SD-Turbo): ddim, which takes the same steps, 4 of them, without guidance. A student: the
// steps it was trained for, else 4. One with an ω embedding: ω 7 (guidance_scale 8), or the middle of its training
// range where 7 is outside; without: no guidance.
UsualSampling usual_sampling(const CheckpointInfo& checkpoint, const Training& training);

}  // namespace fewstep
