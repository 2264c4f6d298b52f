#include "models/cuda/launch.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#ifndef FEWSTEP_LAUNCH  // a test that runs the kernels on a CPU brings its own (tests/models/cuda_emulation.h)
#define FEWSTEP_LAUNCH(kernel, grid, threads, shared_bytes, stream) kernel<<<grid, threads, shared_bytes, stream>>>
#define FEWSTEP_DYNAMIC_SHARED(type, name) extern __shared__ type name[]
#define FEWSTEP_MOST_BLOCKS (1 << 16)
#endif

namespace fewstep::cuda {
namespace {

__device__ float to_float(float value) { return value; }
__device__ float to_float(__half value) { return __half2float(value); }
__device__ float to_float(__nv_bfloat16 value) { return __bfloat162float(value); }
__device__ void store(float value, float& to) { to = value; }
__device__ void store(float value, __half& to) { to = __float2half_rn(value); }
__device__ void store(float value, __nv_bfloat16& to) { to = __float2bfloat16_rn(value); }

constexpr int kThreads = 256;
constexpr int kChunkValues = 1 << 15;  // of one image that a block sums

__host__ __device__ inline std::int64_t smaller(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

struct Chunk {
  std::int64_t first, count;  // pixels
};
__device__ Chunk chunk_at(const Images& shape, int chunk, int chunks) {
  const std::int64_t size = (shape.pixels + chunks - 1) / chunks, first = smaller(chunk * size, shape.pixels);
  return {first, smaller(size, shape.pixels - first)};
}

// Sum and sum of squares of each group in one chunk of one image. A thread sees one channel (then the next by as many
// threads), so that neighbours read neighbouring values; the sums of a group's channels are added in their order.
template <class T>
__global__ void moments_of_chunks(const T* x, Images shape, int groups, double* moments) {
  FEWSTEP_DYNAMIC_SHARED(float, sums);  // [2, channels]
  const int chunk = blockIdx.x, chunks = gridDim.x, channels = static_cast<int>(shape.channels);
  const Chunk part = chunk_at(shape, chunk, chunks);
  const T* const rows = x + (blockIdx.y * shape.pixels + part.first) * shape.channels;
  // Short rows: several threads share a channel, each every so many pixels.
  const int lanes = channels < blockDim.x ? blockDim.x / channels : 1;
  float* const lane_sums = sums + 2 * channels;  // [2, lanes, channels] where lanes > 1
  for (int at = threadIdx.x; at < channels * lanes; at += blockDim.x) {
    const int channel = at % channels, lane = at / channels;
    float sum = 0, squares = 0;
    for (std::int64_t pixel = lane; pixel < part.count; pixel += lanes) {
      const float value = to_float(rows[pixel * shape.channels + channel]);
      sum += value;
      squares += value * value;
    }
    if (lanes == 1) {
      sums[channel] = sum;
      sums[channels + channel] = squares;
    } else {
      lane_sums[at] = sum;
      lane_sums[channels * lanes + at] = squares;
    }
  }
  __syncthreads();
  if (lanes > 1) {
    for (int channel = threadIdx.x; channel < channels; channel += blockDim.x) {
      float sum = 0, squares = 0;
      for (int lane = 0; lane < lanes; ++lane) {
        sum += lane_sums[lane * channels + channel];
        squares += lane_sums[channels * lanes + lane * channels + channel];
      }
      sums[channel] = sum;
      sums[channels + channel] = squares;
    }
    __syncthreads();
  }
  const int size = channels / groups;
  for (int group = threadIdx.x; group < groups; group += blockDim.x) {
    double sum = 0, squares = 0;
    for (int i = group * size; i < (group + 1) * size; ++i) {
      sum += sums[i];
      squares += sums[channels + i];
    }
    double* const to = moments + ((static_cast<std::int64_t>(blockIdx.y) * chunks + chunk) * groups + group) * 2;
    to[0] = sum;
    to[1] = squares;
  }
}

// Every block adds up its image's moments anew: they are few.
template <class T>
__global__ void normalize_chunks(const T* x, T* y, Images shape, int groups, const T* weight, const T* bias, float eps,
                                 bool silu, const double* moments) {
  FEWSTEP_DYNAMIC_SHARED(float, affine);  // scale, then shift, of each channel
  const int chunk = blockIdx.x, chunks = gridDim.x, channels = static_cast<int>(shape.channels);
  const int size = channels / groups;
  const double count = static_cast<double>(shape.pixels) * size;
  for (int group = threadIdx.x; group < groups; group += blockDim.x) {
    double sum = 0, squares = 0;
    for (int i = 0; i < chunks; ++i) {
      const double* const from = moments + ((static_cast<std::int64_t>(blockIdx.y) * chunks + i) * groups + group) * 2;
      sum += from[0];
      squares += from[1];
    }
    const double mean = sum / count, variance = fmax(0.0, squares / count - mean * mean);
    const double inverse = 1 / sqrt(variance + eps);
    for (int i = group * size; i < (group + 1) * size; ++i) {
      const double scale = to_float(weight[i]) * inverse;
      affine[i] = static_cast<float>(scale);
      affine[channels + i] = static_cast<float>(to_float(bias[i]) - mean * scale);
    }
  }
  __syncthreads();
  const Chunk part = chunk_at(shape, chunk, chunks);
  const std::int64_t offset = (blockIdx.y * shape.pixels + part.first) * shape.channels;
  for (std::int64_t i = threadIdx.x; i < part.count * shape.channels; i += blockDim.x) {
    const int channel = static_cast<int>(i % shape.channels);
    float value = to_float(x[offset + i]) * affine[channel] + affine[channels + channel];
    if (silu) value = value / (1 + __expf(-value));
    store(value, y[offset + i]);
  }
}

__device__ float sum_of_block(float value, float* partial) {
  for (int offset = 16; offset > 0; offset /= 2) value += __shfl_down_sync(0xffffffff, value, offset);
  const int warp = threadIdx.x / 32, warps = blockDim.x / 32;
  __syncthreads();  // partial may still be read
  if (threadIdx.x % 32 == 0) partial[warp] = value;
  __syncthreads();
  float sum = 0;
  for (int i = 0; i < warps; ++i) sum += partial[i];
  return sum;
}

// A block for each row, which it holds as float32: mean first, then the squares around it.
template <class T>
__global__ void layer_norm_rows(const T* x, T* y, int channels, const T* weight, const T* bias, float eps) {
  FEWSTEP_DYNAMIC_SHARED(float, row);
  __shared__ float partial[32];
  const std::int64_t offset = static_cast<std::int64_t>(blockIdx.x) * channels;
  float sum = 0;
  for (int i = threadIdx.x; i < channels; i += blockDim.x) sum += row[i] = to_float(x[offset + i]);
  const float mean = sum_of_block(sum, partial) / channels;
  float squares = 0;
  for (int i = threadIdx.x; i < channels; i += blockDim.x) squares += (row[i] - mean) * (row[i] - mean);
  const float inverse = rsqrtf(sum_of_block(squares, partial) / channels + eps);
  for (int i = threadIdx.x; i < channels; i += blockDim.x)
    store((row[i] - mean) * inverse * to_float(weight[i]) + to_float(bias[i]), y[offset + i]);
}

template <class T>
__global__ void geglu_values(const T* x, T* y, std::int64_t count, std::int64_t channels) {
  for (std::int64_t i = blockIdx.x * std::int64_t{blockDim.x} + threadIdx.x; i < count;
       i += std::int64_t{gridDim.x} * blockDim.x) {
    const std::int64_t row = i / channels, at = row * 2 * channels + i % channels;
    const float gate = to_float(x[at + channels]);
    store(to_float(x[at]) * (0.5f * gate * (1 + erff(gate * 0.70710678f))), y[i]);
  }
}

template <class T>
__global__ void add_values(const T* x, T* y, Images shape, const T* bias, const T* per_image, const T* residual) {
  const std::int64_t count = shape.images * shape.pixels * shape.channels;
  for (std::int64_t i = blockIdx.x * std::int64_t{blockDim.x} + threadIdx.x; i < count;
       i += std::int64_t{gridDim.x} * blockDim.x) {
    const std::int64_t channel = i % shape.channels, image = i / (shape.pixels * shape.channels);
    float value = to_float(x[i]);
    if (bias) value += to_float(bias[channel]);
    if (per_image) value += to_float(per_image[image * shape.channels + channel]);
    if (residual) value += to_float(residual[i]);
    store(value, y[i]);
  }
}

template <class T>
__global__ void interleave_phases(const T* phases, T* y, std::int64_t count, std::int64_t height, std::int64_t width,
                                  std::int64_t channels) {
  for (std::int64_t i = blockIdx.x * std::int64_t{blockDim.x} + threadIdx.x; i < count;
       i += std::int64_t{gridDim.x} * blockDim.x) {
    const std::int64_t channel = i % channels, column = i / channels % (2 * width);
    const std::int64_t row = i / (channels * 2 * width) % (2 * height), image = i / (channels * 4 * width * height);
    const std::int64_t odd_row = row % 2, odd_column = column % 2;
    const std::int64_t from = (image * (height + 1) + row / 2 + odd_row) * (width + 1) + column / 2 + odd_column;
    y[i] = phases[(from * 4 + 2 * odd_row + odd_column) * channels + channel];
  }
}

int blocks_for(std::int64_t count) {
  return static_cast<int>(smaller((count + kThreads - 1) / kThreads, FEWSTEP_MOST_BLOCKS));
}

// run(T()) for the type of a number.
template <class Run>
void with_type(Number number, const Run& run) {
  switch (number) {
    case Number::kFloat:
      return run(float());
    case Number::kHalf:
      return run(__half());
    case Number::kBfloat16:
      return run(__nv_bfloat16());
  }
}

template <class T>
const T* as(const void* pointer) {
  return static_cast<const T*>(pointer);
}

}  // namespace

int chunks_of(const Images& shape) {
  const std::int64_t pixels = shape.channels > kChunkValues ? 1 : kChunkValues / shape.channels;
  return static_cast<int>(smaller((shape.pixels + pixels - 1) / pixels, 1 << 10));
}

void group_norm(Number number, const void* x, void* y, const Images& shape, int groups, const void* weight,
                const void* bias, float eps, bool silu, double* moments, cudaStream_t stream) {
  const dim3 grid(static_cast<unsigned>(chunks_of(shape)), static_cast<unsigned>(shape.images));
  const auto channels = static_cast<std::size_t>(shape.channels);
  const std::size_t lanes = channels < kThreads ? kThreads / channels : 1;
  const std::size_t sums = (2 * channels + (lanes > 1 ? 2 * lanes * channels : 0)) * sizeof(float);
  with_type(number, [&](auto type) {
    using T = decltype(type);
    FEWSTEP_LAUNCH(moments_of_chunks, grid, kThreads, sums, stream)(as<T>(x), shape, groups, moments);
    FEWSTEP_LAUNCH(normalize_chunks, grid, kThreads, 2 * channels * sizeof(float), stream)(
        as<T>(x), static_cast<T*>(y), shape, groups, as<T>(weight), as<T>(bias), eps, silu, moments);
  });
}

void layer_norm(Number number, const void* x, void* y, std::int64_t rows, int channels, const void* weight,
                const void* bias, float eps, cudaStream_t stream) {
  constexpr int kRowThreads = 128;
  with_type(number, [&](auto type) {
    using T = decltype(type);
    const std::size_t row = static_cast<std::size_t>(channels) * sizeof(float);
    FEWSTEP_LAUNCH(layer_norm_rows, static_cast<unsigned>(rows), kRowThreads, row, stream)(
        as<T>(x), static_cast<T*>(y), channels, as<T>(weight), as<T>(bias), eps);
  });
}

void geglu(Number number, const void* x, void* y, std::int64_t rows, std::int64_t channels, cudaStream_t stream) {
  const std::int64_t count = rows * channels;
  with_type(number, [&](auto type) {
    using T = decltype(type);
    FEWSTEP_LAUNCH(geglu_values, blocks_for(count), kThreads, 0, stream)(as<T>(x), static_cast<T*>(y), count, channels);
  });
}

void add(Number number, const void* x, void* y, const Images& shape, const void* bias, const void* per_image,
         const void* residual, cudaStream_t stream) {
  const std::int64_t count = shape.images * shape.pixels * shape.channels;
  with_type(number, [&](auto type) {
    using T = decltype(type);
    FEWSTEP_LAUNCH(add_values, blocks_for(count), kThreads, 0, stream)(
        as<T>(x), static_cast<T*>(y), shape, as<T>(bias), as<T>(per_image), as<T>(residual));
  });
}

void interleave(Number number, const void* phases, void* y, std::int64_t images, std::int64_t height,
                std::int64_t width, std::int64_t channels, cudaStream_t stream) {
  const std::int64_t count = images * 4 * height * width * channels;
  with_type(number, [&](auto type) {
    using T = decltype(type);
    FEWSTEP_LAUNCH(interleave_phases, blocks_for(count), kThreads, 0, stream)(
        as<T>(phases), static_cast<T*>(y), count, height, width, channels);
  });
}

}  // namespace fewstep::cuda
