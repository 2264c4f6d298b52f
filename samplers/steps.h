#pragma once
#include "core/noise.h"

#include <ATen/core/Tensor.h>

namespace fewstep {

// The two steps that DDIM, DPM-Solver and DPM-Solver++ share: one function each, so that samplers that agree in algebra
// agree to the last bit. Coefficients in double, tensors in x's type.

// x at `from` → x at `to`, given x0 at `from`: (σ_t/σ_s)·x + (α_t − α_s·σ_t/σ_s)·x0. This is DDIM (Song et al. 2021,
// eq. 12 with η = 0) and the first-order step of DPM-Solver and DPM-Solver++; into σ = 0 it is x0.
at::Tensor first_order_step(const at::Tensor& x, const at::Tensor& x0, const NoiseLevel& from, const NoiseLevel& to);

// DPM-Solver++(2M), midpoint form (Lu et al. 2022b, algorithm 2): x0_before was predicted at `before`, x0 at `from`.
// After a first-order step DPM-Solver's second-order step is the same. Needs sigma > 0 at `to`.
at::Tensor midpoint_step(const at::Tensor& x, const at::Tensor& x0, const at::Tensor& x0_before,
                         const NoiseLevel& before, const NoiseLevel& from, const NoiseLevel& to);

// Whether step i of n is first order: the first one, any into σ = 0, and the last one of a short run, as diffusers'
// lower_order_final has it (n < 15).
bool is_first_order(std::size_t i, std::size_t n, const NoiseLevel& to);

}  // namespace fewstep
