#include "models/layers.h"

#include "core/error.h"
#include "models/gpu.h"
#include "models/group_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <c10/core/GradMode.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace fewstep {
namespace {

Tensor quick_gelu(const Tensor& x) { return x * at::sigmoid(x * 1.702); }
Tensor gelu(const Tensor& x) { return at::gelu(x); }
Tensor silu(const Tensor& x) { return at::silu(x); }
Tensor relu(const Tensor& x) { return at::relu(x); }

}  // namespace

Linear make_linear(Tensor weight, Tensor bias) {
  return {std::make_shared<PackableWeight>(std::move(weight)), std::move(bias)};
}

Conv2d make_conv(Tensor weight, Tensor bias, ConvGeometry geometry) {
  return {std::make_shared<PackableWeight>(std::move(weight)), std::move(bias), geometry};
}

Linear take_linear(Weights& weights, const std::string& name, std::int64_t in, std::int64_t out, bool bias) {
  const Initial initial = uniform_of(in);
  Tensor weight = weights.take(name + ".weight", {out, in}, initial);
  return make_linear(std::move(weight), bias ? weights.take(name + ".bias", {out}, initial) : Tensor());
}

Conv2d take_conv(Weights& weights, const std::string& name, std::int64_t in, std::int64_t out, std::int64_t kernel,
                 std::int64_t stride, std::int64_t padding, bool bias) {
  const Initial initial = uniform_of(in * kernel * kernel);
  Tensor weight = weights.take(name + ".weight", {out, in, kernel, kernel}, initial);
  return make_conv(std::move(weight), bias ? weights.take(name + ".bias", {out}, initial) : Tensor(),
                   {stride, padding < 0 ? kernel / 2 : padding});
}

JoinedLinear take_joined(Weights& weights, const std::vector<std::string>& names, std::int64_t in, std::int64_t out) {
  JoinedLinear joined{{}, names.size()};
  std::vector<Tensor> plain;
  for (const std::string& name : names) plain.push_back(weights.take(name + ".weight", {out, in}, uniform_of(in)));
  const bool trained = std::any_of(plain.begin(), plain.end(), [](const Tensor& one) { return one.requires_grad(); });
  if (!trained) plain = {at::cat(plain)};
  for (Tensor& weight : plain) joined.layers.push_back(make_linear(std::move(weight), {}));
  return joined;
}

std::vector<Tensor> linear_parts(const JoinedLinear& joined, const Tensor& x) {
  if (joined.layers.size() == 1)
    return linear(joined.layers.front(), x).chunk(static_cast<std::int64_t>(joined.parts), -1);
  std::vector<Tensor> parts;
  for (const Linear& layer : joined.layers) parts.push_back(linear(layer, x));
  return parts;
}

Norm take_layer_norm(Weights& weights, const std::string& name, std::int64_t size, double eps) {
  return {weights.take(name + ".weight", {size}, kOnes), weights.take(name + ".bias", {size}, kZeros), eps, 0};
}

Norm take_group_norm(Weights& weights, const std::string& name, std::int64_t groups, std::int64_t channels,
                     double eps) {
  if (groups < 1 || channels % groups != 0) {
    throw input_error(
        weights.where(),
        fmt::format("expected channels of {} divisible by norm_num_groups, got {} and {}", name, channels, groups));
  }
  return {weights.take(name + ".weight", {channels}, kOnes), weights.take(name + ".bias", {channels}, kZeros), eps,
          groups};
}

Tensor linear(const Linear& layer, const Tensor& x, const Tensor& residual) {
  Tensor result = packed_linear(*layer.weight, layer.bias, x, residual);
  if (result.defined()) return result;
  result = at::linear(x, plain_weight(*layer.weight), layer.bias);
  return residual.defined() ? result.add(residual) : result;
}

Tensor conv2d(const Conv2d& layer, const Tensor& x, const Tensor& residual, const Tensor& per_image) {
  const auto with_per_image = [&](const Tensor& image) {
    return per_image.defined() ? image + per_image.unsqueeze(-1).unsqueeze(-1) : image;
  };
  Tensor result = packed_conv2d(*layer.weight, layer.bias, x, layer.geometry, residual);
  if (result.defined()) return with_per_image(result);
  const auto& [stride, padding] = layer.geometry;
  const auto convolved = [&](const Tensor& bias) {
    return at::conv2d(x, plain_weight(*layer.weight), bias, {stride, stride}, {padding, padding});
  };
  const bool adds = residual.defined() || per_image.defined();
  if (const GpuKernels* kernels = adds ? gpu_kernels(x) : nullptr)
    return kernels->add(convolved({}), layer.bias, per_image, residual);
  result = with_per_image(convolved(layer.bias));
  return residual.defined() ? result.add(residual) : result;
}

namespace {

Tensor group_normalize(const Norm& layer, const Tensor& x, bool silu) {
  if (const GpuKernels* kernels = x.dim() == 4 ? gpu_kernels(x) : nullptr)
    return kernels->group_norm(x, layer.groups, layer.weight, layer.bias, layer.eps, silu);
  Tensor result = fused_group_norm(x, layer.groups, layer.weight, layer.bias, layer.eps, silu);
  if (result.defined()) return result;
  result = at::group_norm(x, layer.groups, layer.weight, layer.bias, layer.eps);
  if (!silu) return result;
  return c10::GradMode::is_enabled() ? at::silu(result) : at::silu_(result);
}

}  // namespace

Tensor normalize(const Norm& layer, const Tensor& x) {
  if (const GpuKernels* kernels = layer.groups == 0 ? gpu_kernels(x) : nullptr)
    return kernels->layer_norm(x, layer.weight, layer.bias, layer.eps);
  if (layer.groups == 0) return at::layer_norm(x, layer.weight.sizes(), layer.weight, layer.bias, layer.eps);
  return group_normalize(layer, x, false);
}

Tensor group_norm_silu(const Norm& layer, const Tensor& x) { return group_normalize(layer, x, true); }

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads, bool causal) {
  const auto split = [heads](const Tensor& x) {
    return x.unflatten(2, {heads, x.size(2) / heads})
        .transpose(1, 2);  // parts of a joined product are no whole tensors
  };
  const Tensor mixed = at::scaled_dot_product_attention(split(q), split(k), split(v), {}, 0.0, causal);
  return mixed.transpose(1, 2).reshape(q.sizes());
}

Activation parse_activation(const std::string& name, const std::string& where) {
  constexpr std::array<std::pair<const char*, Activation>, 5> kActivations{
      {{"silu", silu}, {"swish", silu}, {"gelu", gelu}, {"quick_gelu", quick_gelu}, {"relu", relu}}};
  for (const auto& [known, function] : kActivations) {
    if (name == known) return function;
  }
  throw input_error(where, "expected the activation silu, gelu, quick_gelu or relu, got \"" + name + "\"");
}

}  // namespace fewstep
