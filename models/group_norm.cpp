#include "models/group_norm.h"

#include "models/packed.h"

#include "models/group_norm_kernel.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty_like.h>

#include <algorithm>
#include <cmath>
#include <vector>

#ifndef _OPENMP
#error "compile this file with OpenMP (fewstep_parallel in CMake): at::parallel_for is one thread's work without it"
#endif

namespace fewstep {
namespace {

// x in memory: images of pixels of channels. Pixels are dealt out in chunks of one size whatever the number of threads.
struct Layout {
  std::int64_t images, pixels, channels, groups;
  std::int64_t chunk_pixels() const { return std::max<std::int64_t>(1, 65536 / channels); }
  std::int64_t chunks() const { return (pixels + chunk_pixels() - 1) / chunk_pixels(); }
};

// body(image, first pixel, number of pixels, index of the chunk) for all chunks of all images, in parallel.
template <class Body>
void for_each_chunk(const Layout& layout, const Body& body) {
  const auto chunks = layout.chunks(), size = layout.chunk_pixels();
  at::parallel_for(0, layout.images * chunks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i) {
      const auto first = i % chunks * size;
      body(i / chunks, first, std::min(size, layout.pixels - first), i);
    }
  });
}

// Sums, then sums of squares, of the channels of every chunk.
template <class T>
std::vector<double> chunk_moments(const T* x, const Layout& layout) {
  const auto channels = layout.channels;
  std::vector<double> moments(static_cast<std::size_t>(layout.images * layout.chunks() * 2 * channels), 0.0);
  for_each_chunk(layout, [&](std::int64_t image, std::int64_t first, std::int64_t count, std::int64_t index) {
    double* sums = moments.data() + index * 2 * channels;
    add_moments(x + (image * layout.pixels + first) * channels, count, channels, sums, sums + channels);
  });
  return moments;
}

struct Affine {
  std::vector<float> scale, shift;  // [images,channels]
};

Affine affine_of(const std::vector<double>& moments, const Layout& layout, const float* weight, const float* bias,
                 double eps) {
  const auto channels = layout.channels, size = channels / layout.groups, chunks = layout.chunks();
  const double count = static_cast<double>(layout.pixels * size);
  Affine affine{std::vector<float>(static_cast<std::size_t>(layout.images * channels)), {}};
  affine.shift.resize(affine.scale.size());
  for (std::int64_t image = 0; image < layout.images; ++image) {
    for (std::int64_t begin = 0; begin < channels; begin += size) {
      double sum = 0, squares = 0;
      for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
        const double* sums = moments.data() + (image * chunks + chunk) * 2 * channels;
        for (auto i = begin; i < begin + size; ++i) {
          sum += sums[i];
          squares += sums[channels + i];
        }
      }
      const double mean = sum / count, variance = std::max(0.0, squares / count - mean * mean);
      const double inverse = 1 / std::sqrt(variance + eps);
      for (auto i = begin; i < begin + size; ++i) {
        const double scale = weight[i] * inverse;
        const auto at = static_cast<std::size_t>(image * channels + i);
        affine.scale[at] = static_cast<float>(scale);
        affine.shift[at] = static_cast<float>(bias[i] - mean * scale);
      }
    }
  }
  return affine;
}

template <class T>
void run(const T* x, T* y, const Layout& layout, const float* weight, const float* bias, double eps, bool silu) {
  const Affine affine = affine_of(chunk_moments(x, layout), layout, weight, bias, eps);
  for_each_chunk(layout, [&](std::int64_t image, std::int64_t first, std::int64_t count, std::int64_t) {
    const auto offset = (image * layout.pixels + first) * layout.channels;
    const auto channel = static_cast<std::size_t>(image * layout.channels);
    scale_rows(x + offset, y + offset, count, layout.channels, affine.scale.data() + channel,
               affine.shift.data() + channel, silu);
  });
}

}  // namespace

Tensor fused_group_norm(const Tensor& x, std::int64_t groups, const Tensor& weight, const Tensor& bias, double eps,
                        bool silu) {
  const auto type = x.scalar_type();
  const bool applies = x.device().is_cpu() && x.dim() == 4 && x.numel() > 0 && is_inference() &&
                       (type == at::kFloat || type == at::kBFloat16);
  if (!applies) return {};
  const Layout layout{x.size(0), x.size(2) * x.size(3), x.size(1), groups};
  const Tensor from = x.contiguous(at::MemoryFormat::ChannelsLast), to = at::empty_like(from);
  const Tensor gamma = weight.to(at::kFloat).contiguous(), beta = bias.to(at::kFloat).contiguous();
  const auto *w = gamma.const_data_ptr<float>(), *b = beta.const_data_ptr<float>();
  if (type == at::kFloat) {
    run(from.const_data_ptr<float>(), to.mutable_data_ptr<float>(), layout, w, b, eps, silu);
  } else {  // the kernels see bfloat16 as its bits
    run(reinterpret_cast<const std::uint16_t*>(from.const_data_ptr()),
        reinterpret_cast<std::uint16_t*>(to.mutable_data_ptr()), layout, w, b, eps, silu);
  }
  return to;
}

}  // namespace fewstep
