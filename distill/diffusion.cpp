#include "distill/diffusion.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/mse_loss.h>

namespace fewstep {

Tensor diffusion_loss(const DiffusionNetwork& network, const Tensor& x0, const Tensor& noise, const Tensor& states,
                      const Levels& levels) {
  const Tensor out = forward(network.unet, noised(x0, noise, levels), levels.time, states).to(at::kFloat);
  switch (network.prediction) {
    case Prediction::kEpsilon:
      return at::mse_loss(out, noise);
    case Prediction::kV:
      return at::mse_loss(out, levels.alpha * noise - levels.sigma * x0);
    case Prediction::kSample:
      break;
  }
  return at::mse_loss(out, x0);
}

}  // namespace fewstep
