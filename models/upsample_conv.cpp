#include "models/upsample_conv.h"

#include <ATen/ops/upsample_nearest2d.h>

namespace fewstep {

UpsampleConv take_upsample_conv(Weights& weights, const std::string& name, std::int64_t in, std::int64_t out) {
  return {take_conv(weights, name, in, out, 3)};
}

Tensor upsample_conv(const UpsampleConv& layer, const Tensor& x) {
  return conv2d(layer.conv, at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)}));
}

}  // namespace fewstep
