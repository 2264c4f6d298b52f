#include "checkpoints/diffusion_pipeline.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>

namespace fewstep {

Conditioning joined(const Conditioning& first, const Conditioning& second) {
  return {at::cat({first.states, second.states})};
}

Conditioning repeated(const Conditioning& one, std::int64_t batch) {
  if (one.batch() == batch) return one;
  return {one.states.expand({batch, one.states.size(1), one.states.size(2)})};
}

Conditioning stacked(std::span<const std::pair<const Conditioning*, std::int64_t>> rows) {
  std::vector<Tensor> states;
  for (const auto& [from, row] : rows) states.push_back(from->states[row]);
  return {at::stack(states)};
}

}  // namespace fewstep
