#include "distill/draws.h"

#include <ATen/ATen.h>

namespace fewstep {

Tensor draw_omega(const OmegaRange& range, std::int64_t batch, at::Generator& generator, at::Device device) {
  const Tensor uniform = at::rand({batch}, generator, at::TensorOptions(at::kFloat));
  return (range.low + (range.high - range.low) * uniform).to(device);
}

std::vector<std::int64_t> draw_indices(std::int64_t count, std::int64_t batch, at::Generator& generator) {
  const Tensor drawn = at::randint(count, {batch}, generator, at::TensorOptions(at::kLong));
  return {drawn.const_data_ptr<std::int64_t>(), drawn.const_data_ptr<std::int64_t>() + batch};
}

Tensor draw_noise(const Tensor& like, at::Generator& generator) {
  return at::randn(like.sizes(), generator, at::TensorOptions(at::kFloat)).to(like.device());
}

}  // namespace fewstep
