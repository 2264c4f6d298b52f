#include "models/upsample_conv.h"

#include "models/gpu.h"
#include "models/packed.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/upsample_nearest2d.h>

#include <utility>
#include <vector>

namespace fewstep {
namespace {

// [out,in,3,…] → the two pairs along dim: an even output row sees the small image's rows before and at it with weights
// w0 and w1 + w2, an odd one the rows at and after it with w0 + w1 and w2.
std::pair<Tensor, Tensor> pairs_along(const Tensor& weight, std::int64_t dim) {
  const Tensor w0 = weight.select(dim, 0), w1 = weight.select(dim, 1), w2 = weight.select(dim, 2);
  return {at::stack({w0, w1 + w2}, dim), at::stack({w0 + w1, w2}, dim)};
}

Conv2d fold(const Tensor& weight, const Tensor& bias) {
  const auto [even, odd] = pairs_along(weight.to(at::kFloat), 2);
  std::vector<Tensor> phases;
  for (const Tensor& rows : {even, odd}) {
    const auto [left, right] = pairs_along(rows, 3);
    phases.push_back(left);
    phases.push_back(right);
  }
  return make_conv(at::cat(phases).to(weight.scalar_type()), at::cat({bias, bias, bias, bias}), {1, 1});
}

}  // namespace

UpsampleConv take_upsample_conv(Weights& weights, const std::string& name, std::int64_t in, std::int64_t out) {
  UpsampleConv layer{take_conv(weights, name, in, out, 3), {}};
  const Tensor weight = plain_weight(*layer.conv.weight);
  if (!weight.requires_grad()) layer.folded = fold(weight, layer.conv.bias);
  return layer;
}

Tensor upsample_conv(const UpsampleConv& layer, const Tensor& x) {
  const auto height = x.size(2), width = x.size(3);
  if (!layer.folded || !is_inference()) {
    return conv2d(layer.conv, at::upsample_nearest2d(x, {2 * height, 2 * width}));
  }
  const Tensor phases = conv2d(*layer.folded, x);  // [B,4·out,h+1,w+1]
  if (const GpuKernels* kernels = gpu_kernels(phases)) return kernels->interleave(phases);
  const auto channels = phases.size(1) / 4;
  Tensor result =
      at::empty({x.size(0), channels, 2 * height, 2 * width}, phases.options(), at::MemoryFormat::ChannelsLast);
  for (std::int64_t odd_row : {0, 1}) {
    for (std::int64_t odd_column : {0, 1}) {
      const Tensor phase = phases.narrow(1, (2 * odd_row + odd_column) * channels, channels)
                               .narrow(2, odd_row, height)
                               .narrow(3, odd_column, width);
      result.slice(2, odd_row, {}, 2).slice(3, odd_column, {}, 2).copy_(phase);
    }
  }
  return result;
}

}  // namespace fewstep
