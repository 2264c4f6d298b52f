#include "metrics/features.h"

#include "core/error.h"
#include "core/names.h"
#include "images/resize.h"
#include "metrics/catalog.h"

#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace fewstep {
namespace {

constexpr int kSide = 299;

// [1,3,H,W] in 0..255.
Tensor planes(const Image& image) {
  if (image.height < 1 || image.width < 1 || image.rgb.size() != std::size_t{3} * image.height * image.width)
    throw input_error("features", "expected an image of height x width x 3 bytes");
  return at::from_blob(const_cast<std::uint8_t*>(image.rgb.data()), {1, image.height, image.width, 3}, at::kByte)
      .permute({0, 3, 1, 2})
      .to(at::kFloat)
      .contiguous();
}

Tensor around_128(const Tensor& levels) { return levels.sub(128).div_(128); }

Tensor pytorch_fid(const Image& image) {
  return at::upsample_bilinear2d(planes(image).div_(255), {kSide, kSide}, /*align_corners=*/false).mul_(2).sub_(1);
}

Tensor torchmetrics(const Image& image) {
  return around_128(at::_upsample_bilinear2d_aa(planes(image), {kSide, kSide}, /*align_corners=*/false));
}

Tensor clean_fid(const Image& image) {
  std::vector<float> resized = resize_pil_float(image, kSide, kSide, PilFilter::kBicubic);
  return around_128(at::from_blob(resized.data(), {1, 3, kSide, kSide}, at::kFloat).clamp(0, 255));
}

// A point of TensorFlow 1's grid, which starts at the corner instead of half a pixel inside.
struct GridPoint {
  int low, high;
  float weight;  // of high
};

std::vector<GridPoint> tensorflow1_grid(int size) {
  const auto scale = static_cast<float>(static_cast<double>(size) / kSide);
  std::vector<GridPoint> grid;
  for (int i = 0; i < kSide; ++i) {
    const float at = static_cast<float>(i) * scale;
    const int low = static_cast<int>(at);
    grid.push_back({low, std::min(low + 1, size - 1), at - static_cast<float>(low)});
  }
  return grid;
}

Tensor torch_fidelity(const Image& image) {
  const Tensor source = planes(image);
  const auto columns = tensorflow1_grid(image.width), rows = tensorflow1_grid(image.height);
  Tensor resized = at::empty({1, 3, kSide, kSide}, at::kFloat);
  float* out = resized.mutable_data_ptr<float>();
  for (int channel = 0; channel < 3; ++channel) {
    const float* plane = source.const_data_ptr<float>() + std::ptrdiff_t{channel} * image.height * image.width;
    for (const GridPoint& y : rows) {
      const float *upper = plane + std::ptrdiff_t{y.low} * image.width,
                  *lower = plane + std::ptrdiff_t{y.high} * image.width;
      for (const GridPoint& x : columns) {
        const float top = upper[x.low] + (upper[x.high] - upper[x.low]) * x.weight;
        const float bottom = lower[x.low] + (lower[x.high] - lower[x.low]) * x.weight;
        *out++ = top + (bottom - top) * y.weight;
      }
    }
  }
  return around_128(resized);
}

constexpr std::array<FeatureProtocol, 4> kProtocols = {{
    {"pytorch-fid", "pytorch-fid 0.3.0: bilinear without antialiasing on 0..1, then 2x-1", pytorch_fid},
    {"torch-fidelity", "torch-fidelity 0.4.0: TensorFlow 1's bilinear grid, then (x-128)/128", torch_fidelity},
    {"torchmetrics", "torchmetrics 1.9.0: antialiased bilinear, then (x-128)/128", torchmetrics},
    {"clean-fid", "clean-fid 0.1.35 (clean): Pillow's bicubic in float, clipped, then (x-128)/128", clean_fid},
}};

static_assert(std::equal(kProtocols.begin(), kProtocols.end(), kFidProtocols.begin(), kFidProtocols.end(),
                         [](const FeatureProtocol& ours, const ProtocolInfo& row) { return ours.name == row.name; }));

}  // namespace

const FeatureProtocol& find_feature_protocol(std::string_view name) {
  return find_by_name(kProtocols, name, "fid protocol");
}

}  // namespace fewstep
