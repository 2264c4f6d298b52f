#include "distill/diffusion.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/mse_loss.h>

namespace fewstep {

Tensor diffusion_loss(const DiffusionNetwork& network, const Tensor& x0, const Tensor& noise, const Tensor& states,
                      const Levels& levels) {
  const Tensor out = forward(network.unet, noised(x0, noise, levels), levels.time, states).to(at::kFloat);
  return at::mse_loss(out, target_of(network.prediction, x0, noise, levels));
}

}  // namespace fewstep
