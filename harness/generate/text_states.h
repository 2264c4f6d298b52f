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

  Tensor of(std::span<const std::size_t> indices);      // [B,tokens,hidden]
  const Tensor& negative() const { return negative_; }  // [1,tokens,hidden]

 private:
  const Tensor& block(std::size_t index);

  const Checkpoint& checkpoint_;
  std::span<const std::string> prompts_;
  std::int64_t max_bytes_, bytes_ = 0;
  Tensor negative_;
  std::map<std::size_t, Tensor> blocks_;
  std::deque<std::size_t> order_;  // oldest first
};

}  // namespace fewstep
