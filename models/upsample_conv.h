#pragma once
#include "models/layers.h"

#include <optional>
#include <string>

namespace fewstep {

// Nearest-neighbour doubling, then a 3×3 convolution, as in diffusers' Upsample2D. Each output pixel sees two rows and
// two columns of the small image, so outside autograd one 2×2 convolution with the nine weights summed to four, once
// for each of the four positions of an output pixel in its pair of rows and columns, gives the same in 4/9 of the work.
struct UpsampleConv {
  Conv2d conv;
  std::optional<Conv2d> folded;  // [4·out,in,2,2]; absent where weights are trained
};
UpsampleConv take_upsample_conv(Weights& weights, const std::string& name, std::int64_t in, std::int64_t out);

// x [B,in,h,w] → [B,out,2h,2w].
Tensor upsample_conv(const UpsampleConv& layer, const Tensor& x);

}  // namespace fewstep
