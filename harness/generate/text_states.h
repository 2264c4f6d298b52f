#pragma once
#include "checkpoints/checkpoint.h"

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace fewstep {

// Text states of the prompts of a run under one checkpoint, computed once as long as they fit into max_bytes. Prompts
// are encoded in blocks of a fixed size at fixed places (filled up with empty text), so that the states of a prompt do
// not depend, to the last bit, on batch size, limit, or what was computed before.
class TextStates {
 public:
  // checkpoint and prompts must outlive this.
  TextStates(const Checkpoint& checkpoint, std::span<const std::string> prompts, const std::string& negative,
             std::int64_t max_bytes = std::int64_t{1} << 30);

  Conditioning of(std::span<const std::size_t> indices);
  const Conditioning& negative() const { return negative_; }  // of one caption

 private:
  const Conditioning& block(std::size_t index);

  const Checkpoint& checkpoint_;
  std::span<const std::string> prompts_;
  std::int64_t max_bytes_, bytes_ = 0;
  Conditioning negative_;
  std::map<std::size_t, Conditioning> blocks_;
  std::deque<std::size_t> order_;  // oldest first
};

}  // namespace fewstep
