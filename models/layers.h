#pragma once
#include "core/tensor.h"
#include "models/weights.h"

#include <cstdint>
#include <memory>
#include <string>

namespace fewstep {

// Weights in oneDNN's own layout, made at the first inference-mode call on a CPU and kept per input shape.
struct PackedWeight;

// Layers are plain structs of weights; forward functions are free. On a CPU, outside autograd, linear and conv2d run
// on pre-packed weights (1.2 to 4 times faster than eager oneDNN, equal to within float32 rounding).
struct Linear {
  Tensor weight, bias;  // [out,in], [out] or undefined
  std::shared_ptr<PackedWeight> packed;
};
struct Conv2d {
  Tensor weight, bias;  // [out,in,k,k], [out] or undefined
  std::int64_t stride = 1, padding = 0;
  std::shared_ptr<PackedWeight> packed;
};
struct Norm {  // LayerNorm or GroupNorm
  Tensor weight, bias;
  double eps = 1e-5;
  std::int64_t groups = 0;  // 0: LayerNorm over the last dimension
};

Linear take_linear(Weights& weights, const std::string& name, std::int64_t in, std::int64_t out, bool bias = true);
Conv2d take_conv(Weights& weights, const std::string& name, std::int64_t in, std::int64_t out, std::int64_t kernel,
                 std::int64_t stride = 1, std::int64_t padding = -1, bool bias = true);  // padding −1: kernel/2
Norm take_layer_norm(Weights& weights, const std::string& name, std::int64_t size, double eps);
Norm take_group_norm(Weights& weights, const std::string& name, std::int64_t groups, std::int64_t channels, double eps);

Tensor linear(const Linear& layer, const Tensor& x);
Tensor conv2d(const Conv2d& layer, const Tensor& x);
Tensor normalize(const Norm& layer, const Tensor& x);
// silu(normalize(x)) in one pass where a faster way exists.
Tensor group_norm_silu(const Norm& layer, const Tensor& x);

// q, k, v: [B,tokens,heads·dim]. Scaled dot-product attention, optionally causal; returns [B,tokens,heads·dim].
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads, bool causal = false);

// "silu" | "gelu" (erf) | "quick_gelu" | "relu"; throws Error (kInput) naming where for another one.
using Activation = Tensor (*)(const Tensor&);
Activation parse_activation(const std::string& name, const std::string& where);

}  // namespace fewstep
