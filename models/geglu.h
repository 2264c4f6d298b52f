#pragma once
#include "core/tensor.h"

namespace fewstep {

// x [..., 2C] → x[..., :C] · gelu(x[..., C:]) with the exact (erf) GELU: diffusers' GEGLU after its projection. One
// pass over memory on a CPU in float32 and bfloat16 outside autograd; ATen's operators elsewhere.
Tensor geglu(const Tensor& x);

}  // namespace fewstep
