#include "distill/network.h"

#include "checkpoints/prediction.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/tensor.h>

#include <vector>

namespace fewstep {
std::map<std::string, Tensor> trainable_copy(const std::map<std::string, Tensor>& tensors, at::Device device) {
  std::map<std::string, Tensor> copies;
  for (const auto& [name, tensor] : tensors) {
    Tensor copy = tensor.detach().to(device, at::kFloat, /*non_blocking=*/false, /*copy=*/true).contiguous();
    copies.emplace(name, copy.set_requires_grad(true));
  }
  return copies;
}

Tensor predict_x0(const DiffusionNetwork& network, const Tensor& x, const Levels& levels, const Tensor& states,
                  const Tensor& omega) {
  const auto dim = network.unet.config.time_cond_proj_dim;
  const Tensor embedding = dim ? embed_omega(omega, *dim) : Tensor();
  const Tensor out = forward(network.unet, x, levels.time, states, embedding).to(at::kFloat);
  return x0_from(network.prediction, x, out, levels);
}

Tensor predict_guided_x0(const DiffusionNetwork& network, const Tensor& x, const Levels& levels, const Tensor& states,
                         const Tensor& negative, const Tensor& omega) {
  const auto twice = [](const Tensor& tensor) { return at::cat({tensor, tensor}); };
  const Levels both{twice(levels.time), twice(levels.alpha), twice(levels.sigma)};
  const Tensor all = at::cat({negative.expand_as(states), states});
  const auto halves = predict_x0(network, twice(x), both, all).chunk(2);
  return halves[0] + (1 + omega).view({-1, 1, 1, 1}) * (halves[1] - halves[0]);
}

Tensor consistency(const DiffusionNetwork& network, const Tensor& x, const Levels& levels, const Tensor& states,
                   const Tensor& omega) {
  std::vector<double> skip, out;
  const Tensor times = levels.time.to(at::kCPU, at::kDouble).contiguous();
  for (std::int64_t b = 0; b < times.numel(); ++b) {
    const Boundary boundary = boundary_at(times.const_data_ptr<double>()[b], network.timestep_scaling);
    skip.push_back(boundary.c_skip);
    out.push_back(boundary.c_out);
  }
  const auto column = [&](const std::vector<double>& values) {
    return at::tensor(values, at::kDouble).to(x.device(), at::kFloat).view({-1, 1, 1, 1});
  };
  return column(skip) * x + column(out) * predict_x0(network, x, levels, states, omega);
}

}  // namespace fewstep
