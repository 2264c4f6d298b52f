#include "distill/guided_distill.h"

#include "distill/solver_step.h"

#include <ATen/TensorOperators.h>
#include <c10/core/GradMode.h>

namespace fewstep {
namespace {

Tensor weighted_error(const Tensor& x0, const Tensor& wanted, const Levels& levels) {
  const Tensor weight = (levels.alpha / levels.sigma).square().clamp_min(1);
  return (weight * (x0 - wanted).square()).mean();
}

}  // namespace

Tensor guidance_loss(const BatchDenoiser& student, const BatchDenoiser& guided_teacher, const Tensor& x0,
                     const Tensor& noise, const std::vector<NoiseLevel>& from) {
  const Levels levels = stacked(from, x0.device());
  const Tensor z = noised(x0, noise, levels);
  Tensor wanted;
  {
    const c10::NoGradGuard no_grad;
    wanted = guided_teacher(z, levels);
  }
  return weighted_error(student(z, levels), wanted, levels);
}

HalvingLevels halving_levels(const Schedule& schedule, int student_steps) {
  const auto fine = make_grid(schedule, {.steps = 2 * student_steps});
  HalvingLevels levels;
  for (std::size_t i = 0; i + 2 < fine.size(); i += 2) {
    levels.from.push_back(fine[i]);
    levels.middle.push_back(fine[i + 1]);
    levels.to.push_back(fine[i + 2]);
  }
  return levels;
}

Tensor x0_of_step(const Tensor& z, const Tensor& z_to, const Levels& from, const Levels& to) {
  const Tensor ratio = to.sigma / from.sigma;
  return (z_to - ratio * z) / (to.alpha - ratio * from.alpha);
}

Tensor halving_loss(const BatchDenoiser& student, const BatchDenoiser& teacher, const Tensor& x0, const Tensor& noise,
                    const HalvingLevels& levels) {
  const auto device = x0.device();
  const Levels from = stacked(levels.from, device), middle = stacked(levels.middle, device),
               to = stacked(levels.to, device);
  const Tensor z = noised(x0, noise, from);
  Tensor wanted;
  {
    const c10::NoGradGuard no_grad;
    const Tensor half = first_order_step(z, teacher(z, from), from, middle);
    wanted = x0_of_step(z, first_order_step(half, teacher(half, middle), middle, to), from, to);
  }
  return weighted_error(student(z, from), wanted, from);
}

}  // namespace fewstep
