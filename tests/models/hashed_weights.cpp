#include "models/hashed_weights.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/scalar_tensor.h>

#include <cmath>

namespace fewstep {
namespace {

double scaled(double u, const std::string& name, std::int64_t rank, double fan_in) {
  if (rank > 1) return u * std::sqrt(6.0 / fan_in);
  if (name.ends_with("bn.weight") || name.ends_with("running_var")) return 1.0 + 0.5 * u;
  return 0.25 * u;
}

}  // namespace

HashedUniform::HashedUniform(std::string_view name) : state_(0xcbf29ce484222325) {
  for (const unsigned char byte : name) state_ = (state_ ^ byte) * 0x100000001b3;
}

double HashedUniform::next() {
  state_ += 0x9e3779b97f4a7c15;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  z ^= z >> 31;
  return static_cast<double>(z >> 40) * 0x1p-23 - 1.0;
}

std::map<std::string, Tensor> hashed_inception_weights(const std::map<std::string, std::vector<std::int64_t>>& shapes) {
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, shape] : shapes) {
    if (name.ends_with("num_batches_tracked")) {
      tensors.emplace(name, at::scalar_tensor(7, at::kLong));
      continue;
    }
    const Tensor tensor = at::empty(shape, at::kFloat);
    const double fan_in = static_cast<double>(tensor.numel() / shape[0]);
    HashedUniform random(name);
    float* values = tensor.mutable_data_ptr<float>();
    for (std::int64_t i = 0; i < tensor.numel(); ++i) {
      values[i] = static_cast<float>(scaled(random.next(), name, tensor.dim(), fan_in));
    }
    tensors.emplace(name, tensor);
  }
  return tensors;
}

Tensor hashed_images(std::int64_t count, std::int64_t size, std::int64_t block) {
  const std::int64_t side = (size + block - 1) / block;
  std::vector<double> blocks(static_cast<std::size_t>(count * 3 * side * side));
  HashedUniform coarse("blocks"), fine("noise");
  for (double& value : blocks) value = coarse.next();
  const Tensor images = at::empty({count, 3, size, size}, at::kFloat);
  float* pixel = images.mutable_data_ptr<float>();
  for (std::int64_t plane = 0; plane < count * 3; ++plane) {
    for (std::int64_t y = 0; y < size; ++y) {
      for (std::int64_t x = 0; x < size; ++x) {
        const auto at = static_cast<std::size_t>((plane * side + y / block) * side + x / block);
        *pixel++ = static_cast<float>(0.75 * blocks[at] + 0.25 * fine.next());
      }
    }
  }
  return images;
}

}  // namespace fewstep
