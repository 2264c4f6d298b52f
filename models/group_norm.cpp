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
  std::vector<float> scale, shift;  // [channels]
  explicit Affine(std::int64_t channels) : scale(static_cast<std::size_t>(channels)), shift(scale.size()) {}
};

// Weights and what they are applied to, but for the image.
struct GroupNorm {
  Layout layout;
  const float *weight, *bias;
  double eps;
  bool silu;
};

// moments: of the chunks of one image, in order.
Affine affine_of(const double* moments, const GroupNorm& norm) {
  const auto channels = norm.layout.channels, size = channels / norm.layout.groups, chunks = norm.layout.chunks();
  const double count = static_cast<double>(norm.layout.pixels * size);
  Affine affine(channels);
  for (std::int64_t begin = 0; begin < channels; begin += size) {
    double sum = 0, squares = 0;
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
      const double* sums = moments + chunk * 2 * channels;
      for (auto i = begin; i < begin + size; ++i) {
        sum += sums[i];
        squares += sums[channels + i];
      }
    }
    const double mean = sum / count, variance = std::max(0.0, squares / count - mean * mean);
    const double inverse = 1 / std::sqrt(variance + norm.eps);
    for (auto i = begin; i < begin + size; ++i) {
      const double scale = norm.weight[i] * inverse;
      affine.scale[static_cast<std::size_t>(i)] = static_cast<float>(scale);
      affine.shift[static_cast<std::size_t>(i)] = static_cast<float>(norm.bias[i] - mean * scale);
    }
  }
  return affine;
}

// Images of one chunk each: a thread reads an image again while it is in its cache, and the threads meet once.
template <class T>
void run_whole_images(const T* x, T* y, const GroupNorm& norm) {
  const auto pixels = norm.layout.pixels, channels = norm.layout.channels;
  at::parallel_for(0, norm.layout.images, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> sums(static_cast<std::size_t>(2 * channels));
    for (auto image = begin; image < end; ++image) {
      const auto offset = image * pixels * channels;
      std::ranges::fill(sums, 0.0);
      add_moments(x + offset, pixels, channels, sums.data(), sums.data() + channels);
      const Affine affine = affine_of(sums.data(), norm);
      scale_rows(x + offset, y + offset, pixels, channels, affine.scale.data(), affine.shift.data(), norm.silu);
    }
  });
}

template <class T>
void run_chunks(const T* x, T* y, const GroupNorm& norm) {
  const Layout& layout = norm.layout;
  const std::vector<double> moments = chunk_moments(x, layout);
  std::vector<Affine> affine;
  for (std::int64_t image = 0; image < layout.images; ++image)
    affine.push_back(affine_of(moments.data() + image * layout.chunks() * 2 * layout.channels, norm));
  for_each_chunk(layout, [&](std::int64_t image, std::int64_t first, std::int64_t count, std::int64_t) {
    const auto offset = (image * layout.pixels + first) * layout.channels;
    const Affine& of_image = affine[static_cast<std::size_t>(image)];
    scale_rows(x + offset, y + offset, count, layout.channels, of_image.scale.data(), of_image.shift.data(), norm.silu);
  });
}

template <class T>
void run(const T* x, T* y, const GroupNorm& norm) {
  norm.layout.chunks() == 1 ? run_whole_images(x, y, norm) : run_chunks(x, y, norm);
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
  const GroupNorm norm{layout, gamma.const_data_ptr<float>(), beta.const_data_ptr<float>(), eps, silu};
  if (type == at::kFloat) {
    run(from.const_data_ptr<float>(), to.mutable_data_ptr<float>(), norm);
  } else {  // the kernels see bfloat16 as its bits
    run(reinterpret_cast<const std::uint16_t*>(from.const_data_ptr()),
        reinterpret_cast<std::uint16_t*>(to.mutable_data_ptr()), norm);
  }
  return to;
}

}  // namespace fewstep
