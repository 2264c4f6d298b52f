#pragma once
#include "core/tensor.h"

#include <span>
#include <string>

namespace fewstep {

// CLIP's symmetric cross-entropy over a batch (Radford et al. 2021, figure 3). images, texts [B,D], not normalised;
// log_scale: log of the inverse temperature. Rows with one and the same caption share the target between them.
Tensor contrastive_loss(const Tensor& images, const Tensor& texts, const Tensor& log_scale,
                        std::span<const std::string> captions);

}  // namespace fewstep
