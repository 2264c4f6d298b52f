#pragma once
#include "models/layers.h"

#include <string>

namespace fewstep {

// Nearest-neighbour doubling, then a 3×3 convolution, as in diffusers' Upsample2D.
struct UpsampleConv {
  Conv2d conv;
};
UpsampleConv take_upsample_conv(Weights& weights, const std::string& name, std::int64_t in, std::int64_t out);

// x [B,in,h,w] → [B,out,2h,2w].
Tensor upsample_conv(const UpsampleConv& layer, const Tensor& x);

}  // namespace fewstep
