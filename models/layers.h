#pragma once
#include "core/tensor.h"
#include "models/packed.h"
#include "models/weights.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace fewstep {

// Layers are plain structs of weights; forward functions are free. On a CPU, outside autograd, linear and conv2d run on
// pre-packed weights (models/packed.h), equal to the plain ones within float32 rounding.
struct Linear {
  std::shared_ptr<PackableWeight> weight;  // [out,in]
  Tensor bias;                             // [out] or undefined
};
struct Conv2d {
  std::shared_ptr<PackableWeight> weight;  // [out,in,k,k]
  Tensor bias;                             // [out] or undefined
  ConvGeometry geometry;
};
struct Norm {  // LayerNorm over the last dimension (groups = 0) or GroupNorm
  Tensor weight, bias;
  double eps = 1e-5;
  std::int64_t groups = 0;
};

Linear make_linear(Tensor weight, Tensor bias);
Conv2d make_conv(Tensor weight, Tensor bias, ConvGeometry geometry);

Linear take_linear(Weights& weights, const std::string& name, std::int64_t in, std::int64_t out, bool bias = true);
// padding: kernel / 2 unless given.
Conv2d take_conv(Weights& weights, const std::string& name, std::int64_t in, std::int64_t out, std::int64_t kernel,
                 std::int64_t stride = 1, std::int64_t padding = -1, bool bias = true);
// Layers without bias that see the same input, as one product. Weights that are trained stay apart, each by its name.
struct JoinedLinear {
  std::vector<Linear> layers;  // one: all of them, along their outputs
  std::size_t parts = 0;
};
JoinedLinear take_joined(Weights& weights, const std::vector<std::string>& names, std::int64_t in, std::int64_t out);
// The results of each, [..., out]; views of one tensor.
std::vector<Tensor> linear_parts(const JoinedLinear& joined, const Tensor& x);

Norm take_layer_norm(Weights& weights, const std::string& name, std::int64_t size, double eps);
Norm take_group_norm(Weights& weights, const std::string& name, std::int64_t groups, std::int64_t channels, double eps);

// residual, when defined, has the result's shape and is added to it (in the same pass where weights are packed, and by
// our kernels on CUDA); per_image [B,out] is added to every pixel.
Tensor linear(const Linear& layer, const Tensor& x, const Tensor& residual = {});
Tensor conv2d(const Conv2d& layer, const Tensor& x, const Tensor& residual = {}, const Tensor& per_image = {});
Tensor normalize(const Norm& layer, const Tensor& x);
Tensor group_norm_silu(const Norm& layer, const Tensor& x);

// q, k, v: [B,tokens,heads·dim]. Scaled dot-product attention, optionally causal; returns [B,tokens,heads·dim].
Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads, bool causal = false);

// "silu" | "gelu" (erf) | "quick_gelu" | "relu"; throws Error (kInput) naming where for another one.
using Activation = Tensor (*)(const Tensor&);
Activation parse_activation(const std::string& name, const std::string& where);

}  // namespace fewstep
