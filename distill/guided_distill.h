#pragma once
#include "distill/levels.h"

#include <vector>

namespace fewstep {

// Guided-Distill (Meng et al. 2023). The teachers of both stages and the student predict x0; gradients reach the
// student alone; the error in x0 is weighted with max(SNR, 1) (Salimans & Ho 2022). x0, noise [B,4,h,w].

// Stage one (eq. 5): the student, which takes omega, regresses the teacher under classifier-free guidance of omega.
Tensor guidance_loss(const BatchDenoiser& student, const BatchDenoiser& guided_teacher, const Tensor& x0,
                     const Tensor& noise, const std::vector<NoiseLevel>& from);

// Three levels for each element: the student's one DDIM step goes from `from` to `to`, the teacher's two by `middle`.
struct HalvingLevels {
  std::vector<NoiseLevel> from, middle, to;
};
// The levels that a student of N steps is trained at: its trailing grid's N levels, the levels between, and the next
// (the last: x0 itself).
HalvingLevels halving_levels(const Schedule& schedule, int student_steps);

// Stage two, progressive halving (Salimans & Ho 2022, algorithm 2).
Tensor halving_loss(const BatchDenoiser& student, const BatchDenoiser& teacher, const Tensor& x0, const Tensor& noise,
                    const HalvingLevels& levels);

// The x0 from which one DDIM step leads from z to z_to: (z_to − (σ_to/σ)·z)/(α_to − (σ_to/σ)·α).
Tensor x0_of_step(const Tensor& z, const Tensor& z_to, const Levels& from, const Levels& to);

}  // namespace fewstep
