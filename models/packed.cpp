#include "models/packed.h"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/mkldnn_reorder_conv2d_weight.h>
#include <ATen/ops/to_mkldnn.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>

#include <malloc.h>

#include <functional>
#include <optional>

namespace fewstep {
namespace {

using OptionalTensor = std::optional<Tensor>;
using Scalars = c10::List<std::optional<at::Scalar>>;
using OptionalText = std::optional<c10::string_view>;

// LibTorch registers these operators without a C++ function; signatures from their schemas.
using Conv = Tensor(const Tensor&, const Tensor&, const OptionalTensor&, at::IntArrayRef, at::IntArrayRef,
                    at::IntArrayRef, std::int64_t, c10::string_view, Scalars, OptionalText);
using ConvAdd = Tensor(const Tensor&, const Tensor&, const Tensor&, const OptionalTensor&, at::IntArrayRef,
                       at::IntArrayRef, at::IntArrayRef, std::int64_t, c10::string_view, std::optional<at::Scalar>,
                       OptionalText, Scalars, OptionalText);
using LinearOp = Tensor(const Tensor&, const Tensor&, const OptionalTensor&, c10::string_view, Scalars, OptionalText);
using LinearAdd = Tensor(const Tensor&, const Tensor&, const Tensor&, const OptionalTensor&, c10::string_view);
using ReorderLinear = Tensor(const Tensor&, std::optional<std::int64_t>);

template <class Signature>
c10::TypedOperatorHandle<Signature> find_operator(const char* name, const char* overload) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload).typed<Signature>();
}

constexpr std::size_t kLarge = 1 << 20;

OptionalTensor optional_of(const Tensor& tensor) { return tensor.defined() ? OptionalTensor(tensor) : std::nullopt; }

bool applies(const PackableWeight& weight, const Tensor& x) {
  const auto type = x.scalar_type();
  return !weight.unsupported && x.device().is_cpu() && (type == at::kFloat || type == at::kBFloat16) &&
         is_inference() && at::globalContext().userEnabledMkldnn() && at::hasMKLDNN() && x.numel() > 0;
}

// Packs at the first call; false where oneDNN cannot (then never tried again).
bool ensure_packed(PackableWeight& weight, const std::function<Tensor(const Tensor& plain)>& pack) {
  const std::lock_guard lock(weight.mutex);
  if (weight.packed.defined()) return true;
  if (weight.unsupported) return false;
  try {
    const c10::InferenceMode no_inference_tensors(false);
    weight.packed = pack(weight.plain.detach().contiguous());
    const bool large = weight.plain.nbytes() >= kLarge;
    weight.plain = Tensor();
    if (large)
      malloc_trim(0);  // the plain copy's pages: on the heap it leaves a hole that the next packed weight may not fit
    return true;
  } catch (const c10::Error&) {
    weight.unsupported = true;
    return false;
  }
}

}  // namespace

bool is_inference() { return !c10::GradMode::is_enabled() && !at::autocast::is_autocast_enabled(at::kCPU); }

Tensor plain_weight(PackableWeight& weight) {
  const std::lock_guard lock(weight.mutex);
  return weight.plain.defined() ? weight.plain : weight.packed.to_dense();
}

Tensor packed_linear(PackableWeight& weight, const Tensor& bias, const Tensor& x, const Tensor& residual) {
  if (!applies(weight, x)) return {};
  static const auto reorder = find_operator<ReorderLinear>("mkldnn::_reorder_linear_weight", "");
  static const auto run = find_operator<LinearOp>("mkldnn::_linear_pointwise", "");
  static const auto run_add = find_operator<LinearAdd>("mkldnn::_linear_pointwise", "binary");
  // The layout follows the shape of one image's input, so that it does not depend on the batch that comes first: the
  // same batch then gives the same bits, whatever the process did before.
  const std::int64_t rows = x.dim() > 2 ? x.size(-2) : 1;
  if (!ensure_packed(weight, [&](const Tensor& plain) { return reorder.call(plain, rows); })) return {};
  const Tensor input = x.contiguous();
  if (residual.defined()) return run_add.call(input, residual.contiguous(), weight.packed, optional_of(bias), "add");
  return run.call(input, weight.packed, optional_of(bias), "none", Scalars(), std::nullopt);
}

Tensor packed_conv2d(PackableWeight& weight, const Tensor& bias, const Tensor& x, const ConvGeometry& geometry,
                     const Tensor& residual) {
  if (!applies(weight, x)) return {};
  static const auto run = find_operator<Conv>("mkldnn::_convolution_pointwise", "");
  static const auto run_add = find_operator<ConvAdd>("mkldnn::_convolution_pointwise", "binary");
  const std::int64_t padding[] = {geometry.padding, geometry.padding}, stride[] = {geometry.stride, geometry.stride};
  const std::int64_t dilation[] = {1, 1};
  const std::int64_t one_image[] = {1, x.size(1), x.size(2), x.size(3)};  // see packed_linear
  const auto pack = [&](const Tensor& plain) {
    return at::mkldnn_reorder_conv2d_weight(plain.to_mkldnn(), padding, stride, dilation, 1, one_image);
  };
  if (!ensure_packed(weight, pack)) return {};
  const Tensor input = x.contiguous(at::MemoryFormat::ChannelsLast);
  // The fused sum cannot tell the layout of a residual of one row or column ("could not create a memory").
  const bool fused = residual.defined() && residual.size(2) > 1 && residual.size(3) > 1;
  if (fused) {
    return run_add.call(input, residual.contiguous(at::MemoryFormat::ChannelsLast), weight.packed, optional_of(bias),
                        padding, stride, dilation, 1, "add", std::nullopt, std::nullopt, Scalars(), std::nullopt);
  }
  Tensor result =
      run.call(input, weight.packed, optional_of(bias), padding, stride, dilation, 1, "none", Scalars(), std::nullopt);
  return residual.defined() ? result.add_(residual) : result;
}

}  // namespace fewstep
