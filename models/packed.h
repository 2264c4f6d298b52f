#pragma once
#include "core/tensor.h"

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace fewstep {

// A weight as oneDNN lays it out for some calls.
struct PackedLayout {
  std::vector<std::vector<std::int64_t>> calls;  // input sizes and threads of the calls that want this layout
  Tensor weight;                                 // an mkldnn tensor
  std::int64_t idle = 0;                         // calls since its last use
};

// The weight of a linear layer or convolution. On a CPU, outside autograd, the first call of each input shape and
// thread count lays it out as oneDNN wants it, and the plain copy is dropped: with any other layout oneDNN reorders the
// weight at every call. Calls that want equal layouts share one; a second layout stays only while two kinds of call
// alternate. oneDNN chooses the kernel by the call alone, so the layouts at hand change no bits. A weight that requires
// gradients changes, and is never packed; so averages of trained weights are marked as requiring them, too.
struct PackableWeight {
  explicit PackableWeight(Tensor weight) : plain(std::move(weight)), unsupported(plain.requires_grad()) {}
  Tensor plain;                       // undefined once packed
  std::vector<PackedLayout> layouts;  // at most two
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
