#pragma once
#include "distill/network.h"

namespace fewstep {

// Plain training of a diffusion model: mean squared error of what the network predicts (eps, or v = alpha·eps −
// sigma·x0, or x0). x0, noise [B,4,h,w]; states [B,tokens,hidden] with the captions that are dropped replaced already.
// Source: Ho et al. 2020, eq. 14; Salimans & Ho 2022 for v.
Tensor diffusion_loss(const DiffusionNetwork& network, const Tensor& x0, const Tensor& noise, const Tensor& states,
                      const Levels& levels);

}  // namespace fewstep
