#pragma once
#include "core/tensor.h"

namespace fewstep {

// Group norm of x [B,C,h,w] over groups of channels, followed by SiLU where silu is set, in two passes over memory.
// Moments are sums in double: ATen's channels_last kernel adds them in float32, which costs a 512-pixel VAE 4e-5 of its
// largest value. Independent of the number of threads. Returns a channels_last tensor; undefined where it does not
// apply (autograd, CUDA, another dtype than float32 and bfloat16): the caller takes the plain way.
Tensor fused_group_norm(const Tensor& x, std::int64_t groups, const Tensor& weight, const Tensor& bias, double eps,
                        bool silu);

}  // namespace fewstep
