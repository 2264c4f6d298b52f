#pragma once
#include <cuda_runtime_api.h>

#include <cstdint>

// The kernels behind models/gpu.h, over raw memory. No torch header: nvcc compiles them in seconds.
namespace fewstep::cuda {

enum class Number { kFloat, kHalf, kBfloat16 };

// Images of pixels of channels, channels last.
struct Images {
  std::int64_t images, pixels, channels;
};

// moments: float64 [images, chunks_of(shape), groups, 2] of workspace.
int chunks_of(const Images& shape);
void group_norm(Number number, const void* x, void* y, const Images& shape, int groups, const void* weight,
                const void* bias, float eps, bool silu, double* moments, cudaStream_t stream);
void layer_norm(Number number, const void* x, void* y, std::int64_t rows, int channels, const void* weight,
                const void* bias, float eps, cudaStream_t stream);
void geglu(Number number, const void* x, void* y, std::int64_t rows, std::int64_t channels, cudaStream_t stream);
// bias [channels], per_image [images, channels], residual as x; each may be null.
void add(Number number, const void* x, void* y, const Images& shape, const void* bias, const void* per_image,
         const void* residual, cudaStream_t stream);
// phases [images, h+1, w+1, 4·channels] → y [images, 2h, 2w, channels].
void interleave(Number number, const void* phases, void* y, std::int64_t images, std::int64_t height,
                std::int64_t width, std::int64_t channels, cudaStream_t stream);

}  // namespace fewstep::cuda
