#pragma once
#include "core/tensor.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// The weights and images of tests/references/_hashed_weights.py, to the bit.

// Value i of a tensor: splitmix64 at (FNV-1a of its name) + i·golden, as a multiple of 2^-23 in −1..1.
class HashedUniform {
 public:
  explicit HashedUniform(std::string_view name);
  double next();

 private:
  std::uint64_t state_;
};

std::map<std::string, Tensor> hashed_inception_weights(const std::map<std::string, std::vector<std::int64_t>>& shapes);
// [count,3,size,size]: blocks of colour with noise over them.
Tensor hashed_images(std::int64_t count, std::int64_t size, std::int64_t block = 37);

}  // namespace fewstep
