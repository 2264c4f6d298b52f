#pragma once
#include "core/tensor.h"

#include <memory>
#include <mutex>
#include <string_view>

namespace fewstep {

// The weight of a linear layer or convolution. On a CPU, outside autograd, the first call lays it out as oneDNN wants
// it for one image of that input's shape and drops the plain copy: eager oneDNN would do so again at every call. A
// weight that requires gradients changes, and is never packed; so averages of trained weights are marked as requiring
// them, too.
struct PackableWeight {
  explicit PackableWeight(Tensor weight) : plain(std::move(weight)), unsupported(plain.requires_grad()) {}
  Tensor plain;   // undefined once packed
  Tensor packed;  // an mkldnn tensor
  bool unsupported;
  std::mutex mutex;
};

// Neither autograd nor CPU autocast is on: layers may take the ways that only inference has.
bool is_inference();

struct ConvGeometry {
  std::int64_t stride = 1, padding = 0;
};

// The plain weight, unpacked where necessary.
Tensor plain_weight(PackableWeight& weight);

// x·Wᵀ + bias (+ residual) and conv(x, W) + bias (+ residual); residual may be undefined. Return an undefined tensor
// where packing does not apply (autograd, autocast, CUDA, float16, a machine without oneDNN's bfloat16): the caller
// takes the plain way.
Tensor packed_linear(PackableWeight& weight, const Tensor& bias, const Tensor& x, const Tensor& residual);
Tensor packed_conv2d(PackableWeight& weight, const Tensor& bias, const Tensor& x, const ConvGeometry& geometry,
                     const Tensor& residual);

}  // namespace fewstep
