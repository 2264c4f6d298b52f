#include "core/tensor.h"

#include "core/error.h"
#include "core/names.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/isfinite.h>

#include <malloc.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string>

namespace fewstep {

at::ScalarType scalar_type(Dtype dtype) {
  constexpr std::array kTypes{at::kFloat, at::kHalf, at::kBFloat16};
  return kTypes[static_cast<std::size_t>(dtype)];
}

at::ScalarType parse_dtype(std::string_view text) { return scalar_type(parse_name<Dtype>(kDtypes, text, "dtype")); }

std::string_view name_of(at::ScalarType dtype) {
  for (const Dtype one : {Dtype::kFloat16, Dtype::kBfloat16})
    if (scalar_type(one) == dtype) return name_of(one);
  return name_of(Dtype::kFloat32);
}

void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.sizes() != b.sizes() || a.scalar_type() != b.scalar_type() || a.device() != b.device()) return false;
  const Tensor left = a.contiguous(), right = b.contiguous();
  if (a.is_cpu()) return std::memcmp(left.const_data_ptr(), right.const_data_ptr(), left.nbytes()) == 0;
  return at::equal(left.view(at::kByte), right.view(at::kByte));
}

std::int64_t count_not_finite(const Tensor& batch) {
  return batch.size(0) - at::isfinite(batch).flatten(1).all(1).sum().item<std::int64_t>();
}

std::vector<Image> to_images(const Tensor& images) {
  if (const auto broken = count_not_finite(images); broken > 0) {  // would turn into black pixels, and count as images
    throw input_error("images", fmt::format("expected finite values from the decoder, got NaN or infinity in {} of {} "
                                            "images of a batch; try --dtype float32",
                                            broken, images.size(0)));
  }
  const Tensor bytes = images.detach()
                           .to(at::kFloat)
                           .div(2)
                           .add(0.5)
                           .clamp(0, 1)
                           .mul(255)
                           .round()
                           .to(at::kByte)
                           .permute({0, 2, 3, 1})
                           .cpu()
                           .contiguous();
  const auto height = bytes.size(1), width = bytes.size(2), size = height * width * 3;
  std::vector<Image> result;
  for (std::int64_t b = 0; b < bytes.size(0); ++b) {
    const auto* first = bytes.const_data_ptr<std::uint8_t>() + b * size;
    result.push_back({static_cast<int>(height), static_cast<int>(width), {first, first + size}});
  }
  return result;
}

Tensor from_images(std::span<const Image> images) {
  if (images.empty()) throw input_error("images", "expected at least one image");
  const Image& first = images[0];
  Tensor bytes = at::empty({static_cast<std::int64_t>(images.size()), first.height, first.width, 3}, at::kByte);
  auto* out = bytes.mutable_data_ptr<std::uint8_t>();
  for (const Image& image : images) {
    if (image.height != first.height || image.width != first.width) {
      throw input_error("images", fmt::format("expected one size, {}x{}, got {}x{}", first.height, first.width,
                                              image.height, image.width));
    }
    out = std::copy(image.rgb.begin(), image.rgb.end(), out);
  }
  return bytes.permute({0, 3, 1, 2}).to(at::kFloat).div(255).mul(2).sub(1).contiguous();
}

}  // namespace fewstep
