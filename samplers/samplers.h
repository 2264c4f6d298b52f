#pragma once
#include "samplers/registry.h"

namespace fewstep {

// DDIM without noise (eta = 0). Source: Song et al. 2021, eq. 12; diffusers DDIMScheduler.
SampleFn sample_ddim;
// DPM-Solver, multistep order 2, midpoint. Source: Lu et al. 2022a; diffusers DPMSolverMultistepScheduler "dpmsolver".
// Unlike diffusers it also runs into sigma = 0, by the limit of its first-order step.
SampleFn sample_dpm_solver;
// DPM-Solver++(2M), midpoint. Source: Lu et al. 2022b, algorithm 2; diffusers "dpmsolver++".
SampleFn sample_dpm_solver_pp;
// Multistep consistency sampling: the denoiser is the consistency function; noise between evaluations, none after the
// last. Source: Luo et al. 2023 (arXiv 2310.04378), algorithm 3; diffusers LCMScheduler.
SampleFn sample_lcm;

}  // namespace fewstep
