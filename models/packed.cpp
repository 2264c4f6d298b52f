#include "models/packed.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/mkldnn_reorder_conv2d_weight.h>
#include <ATen/ops/to_mkldnn.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>

#include <malloc.h>

#include <algorithm>
#include <cstring>
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
using SizeOp = std::int64_t(const Tensor&);
using ReorderLinear = Tensor(const Tensor&, std::optional<std::int64_t>);

template <class Signature>
c10::TypedOperatorHandle<Signature> find_operator(const char* name, const char* overload) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload).typed<Signature>();
}

constexpr std::int64_t kLarge = 1 << 20;  // bytes

OptionalTensor optional_of(const Tensor& tensor) { return tensor.defined() ? OptionalTensor(tensor) : std::nullopt; }

bool applies(const PackableWeight& weight, const Tensor& x) {
  const auto type = x.scalar_type();
  return !weight.unsupported && x.device().is_cpu() && (type == at::kFloat || type == at::kBFloat16) &&
         is_inference() && at::globalContext().userEnabledMkldnn() && at::hasMKLDNN() && x.numel() > 0;
}

// A layout is dropped after this many calls of others. Cells of a batch take turns more often than that.
constexpr std::int64_t kAlternating = 256;

Tensor dense(const PackableWeight& weight) {
  return weight.plain.defined() ? weight.plain.detach().contiguous() : weight.layouts.front().weight.to_dense();
}

// Layouts of one weight are equal where their bytes are: LibTorch shows no other property of an mkldnn tensor.
bool equal_bytes(const Tensor& a, const Tensor& b) {
  static const auto size = find_operator<SizeOp>("mkldnn::_nbytes", "");
  static const auto data = find_operator<SizeOp>("mkldnn::data_ptr", "");
  const auto bytes = [](const Tensor& packed) { return reinterpret_cast<const void*>(data.call(packed)); };
  return size.call(a) == size.call(b) && std::memcmp(bytes(a), bytes(b), static_cast<std::size_t>(size.call(a))) == 0;
}

// The layout of a new kind of call: a known one where it is equal, else a new one in place of the longest idle of two.
PackedLayout& add_layout(PackableWeight& weight, const std::function<Tensor(const Tensor& plain)>& pack) {
  const c10::InferenceMode no_inference_tensors(false);
  const Tensor plain = dense(weight);
  Tensor packed = pack(plain);
  auto& layouts = weight.layouts;
  weight.plain = Tensor();
  const auto equal = std::find_if(layouts.begin(), layouts.end(),
                                  [&](const PackedLayout& known) { return equal_bytes(known.weight, packed); });
  if (equal != layouts.end()) return *equal;
  if (layouts.size() == 2) layouts.erase(layouts.begin() + (layouts[0].idle < layouts[1].idle ? 1 : 0));
  return layouts.emplace_back(PackedLayout{{}, std::move(packed)});
}

// The weight as this call wants it; undefined where oneDNN cannot pack it (then never tried again).
Tensor packed_for(PackableWeight& weight, std::vector<std::int64_t> call,
                  const std::function<Tensor(const Tensor& plain)>& pack) {
  const std::lock_guard lock(weight.mutex);
  if (weight.unsupported) return {};
  call.push_back(at::get_num_threads());
  auto& layouts = weight.layouts;
  const auto known = std::find_if(layouts.begin(), layouts.end(), [&](const PackedLayout& layout) {
    return std::find(layout.calls.begin(), layout.calls.end(), call) != layout.calls.end();
  });
  PackedLayout* used = known == layouts.end() ? nullptr : &*known;
  if (!used) {
    try {
      used = &add_layout(weight, pack);
    } catch (const c10::Error&) {
      weight.plain = dense(weight);
      layouts.clear();
      weight.unsupported = true;
      return {};
    }
    used->calls.push_back(std::move(call));
    // What was dropped, on the heap, leaves a hole that the next packed weight may not fit: give the pages back.
    if (used->weight.numel() * used->weight.element_size() >= kLarge) malloc_trim(0);
  }
  for (PackedLayout& layout : layouts) ++layout.idle;
  used->idle = 0;
  Tensor packed = used->weight;
  std::erase_if(layouts, [](const PackedLayout& layout) { return layout.idle >= kAlternating; });
  return packed;
}

}  // namespace

bool is_inference() { return !c10::GradMode::is_enabled() && !at::autocast::is_autocast_enabled(at::kCPU); }

Tensor plain_weight(PackableWeight& weight) {
  const std::lock_guard lock(weight.mutex);
  return weight.plain.defined() ? weight.plain : weight.layouts.front().weight.to_dense();
}

Tensor packed_linear(PackableWeight& weight, const Tensor& bias, const Tensor& x, const Tensor& residual) {
  if (!applies(weight, x)) return {};
  static const auto reorder = find_operator<ReorderLinear>("mkldnn::_reorder_linear_weight", "");
  static const auto run = find_operator<LinearOp>("mkldnn::_linear_pointwise", "");
  static const auto run_add = find_operator<LinearAdd>("mkldnn::_linear_pointwise", "binary");
  // One layout for every batch: the kernel follows the layout here, and a batch of other images must not change it.
  const std::int64_t rows = x.dim() > 2 ? x.size(-2) : 1;
  const Tensor packed = packed_for(weight, {rows}, [&](const Tensor& plain) { return reorder.call(plain, rows); });
  if (!packed.defined()) return {};
  const Tensor input = x.contiguous();
  if (residual.defined()) return run_add.call(input, residual.contiguous(), packed, optional_of(bias), "add");
  return run.call(input, packed, optional_of(bias), "none", Scalars(), std::nullopt);
}

Tensor packed_conv2d(PackableWeight& weight, const Tensor& bias, const Tensor& x, const ConvGeometry& geometry,
                     const Tensor& residual) {
  if (!applies(weight, x)) return {};
  static const auto run = find_operator<Conv>("mkldnn::_convolution_pointwise", "");
  static const auto run_add = find_operator<ConvAdd>("mkldnn::_convolution_pointwise", "binary");
  const std::int64_t padding[] = {geometry.padding, geometry.padding}, stride[] = {geometry.stride, geometry.stride};
  const std::int64_t dilation[] = {1, 1};
  const auto pack = [&](const Tensor& plain) {
    return at::mkldnn_reorder_conv2d_weight(plain.to_mkldnn(), padding, stride, dilation, 1, x.sizes());
  };
  const Tensor packed = packed_for(weight, x.sizes().vec(), pack);
  if (!packed.defined()) return {};
  const Tensor input = x.contiguous(at::MemoryFormat::ChannelsLast);
  // The fused sum cannot tell the layout of a residual of one row or column ("could not create a memory").
  const bool fused = residual.defined() && residual.size(2) > 1 && residual.size(3) > 1;
  if (fused) {
    return run_add.call(input, residual.contiguous(at::MemoryFormat::ChannelsLast), packed, optional_of(bias), padding,
                        stride, dilation, 1, "add", std::nullopt, std::nullopt, Scalars(), std::nullopt);
  }
  Tensor result =
      run.call(input, packed, optional_of(bias), padding, stride, dilation, 1, "none", Scalars(), std::nullopt);
  return residual.defined() ? result.add_(residual) : result;
}

}  // namespace fewstep
