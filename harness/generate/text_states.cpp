#include "harness/generate/text_states.h"

#include <algorithm>

namespace fewstep {
namespace {

constexpr std::size_t kBlock = 8;

}  // namespace

TextStates::TextStates(const Checkpoint& checkpoint, std::span<const std::string> prompts, const std::string& negative,
                       std::int64_t max_bytes)
    : checkpoint_(checkpoint), prompts_(prompts), max_bytes_(max_bytes) {
  negative_ = checkpoint_.pipeline.encode(std::span(&negative, 1));
}

const Conditioning& TextStates::block(std::size_t index) {
  if (const auto known = blocks_.find(index); known != blocks_.end()) return known->second;
  std::vector<std::string> texts(kBlock);
  const std::size_t first = index * kBlock;
  std::copy(prompts_.begin() + static_cast<std::ptrdiff_t>(first),
            prompts_.begin() + static_cast<std::ptrdiff_t>(std::min(first + kBlock, prompts_.size())), texts.begin());
  Conditioning states = checkpoint_.pipeline.encode(texts);
  bytes_ += states.bytes();
  while (bytes_ > max_bytes_ && !order_.empty()) {
    bytes_ -= blocks_.at(order_.front()).bytes();
    blocks_.erase(order_.front());
    order_.pop_front();
  }
  order_.push_back(index);
  return blocks_.emplace(index, std::move(states)).first->second;
}

Conditioning TextStates::of(std::span<const std::size_t> indices) {
  std::vector<std::pair<const Conditioning*, std::int64_t>> rows;
  std::vector<Conditioning> blocks;  // kept, though a later one may push them out
  blocks.reserve(indices.size());
  for (const std::size_t index : indices) {
    blocks.push_back(block(index / kBlock));
    rows.emplace_back(&blocks.back(), static_cast<std::int64_t>(index % kBlock));
  }
  return stacked(rows);
}

}  // namespace fewstep
