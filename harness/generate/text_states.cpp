#include "harness/generate/text_states.h"

#include <ATen/ops/stack.h>

#include <algorithm>

namespace fewstep {
namespace {

constexpr std::size_t kBlock = 8;

}  // namespace

TextStates::TextStates(const Checkpoint& checkpoint, std::span<const std::string> prompts, const std::string& negative,
                       std::int64_t max_bytes)
    : checkpoint_(checkpoint), prompts_(prompts), max_bytes_(max_bytes) {
  negative_ = encode_prompts(checkpoint_, std::span(&negative, 1));
}

const Tensor& TextStates::block(std::size_t index) {
  if (const auto known = blocks_.find(index); known != blocks_.end()) return known->second;
  std::vector<std::string> texts(kBlock);
  const std::size_t first = index * kBlock;
  std::copy(prompts_.begin() + static_cast<std::ptrdiff_t>(first),
            prompts_.begin() + static_cast<std::ptrdiff_t>(std::min(first + kBlock, prompts_.size())), texts.begin());
  Tensor states = encode_prompts(checkpoint_, texts);
  bytes_ += static_cast<std::int64_t>(states.nbytes());
  while (bytes_ > max_bytes_ && !order_.empty()) {
    bytes_ -= static_cast<std::int64_t>(blocks_.at(order_.front()).nbytes());
    blocks_.erase(order_.front());
    order_.pop_front();
  }
  order_.push_back(index);
  return blocks_.emplace(index, std::move(states)).first->second;
}

Tensor TextStates::of(std::span<const std::size_t> indices) {
  std::vector<Tensor> rows;
  for (const std::size_t index : indices)
    rows.push_back(block(index / kBlock)[static_cast<std::int64_t>(index % kBlock)]);
  return at::stack(rows);
}

}  // namespace fewstep
