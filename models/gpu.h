#pragma once
#include "core/tensor.h"

#include <cstdint>
#include <functional>

namespace fewstep {

// Kernels of our own for CUDA and CUDA graphs (models/cuda, built with FEWSTEP_CUDA=ON). The kernels take float32,
// float16 and bfloat16, on the current stream of x's device. Images are [B,C,h,w] in channels_last, without a copy of
// the layout; sums are in float32 over chunks and in float64 over them, in an order of their own that does not depend
// on anything else. All of them are for inference alone. The same functions on a CPU: models/group_norm.h,
// models/geglu.h, models/upsample_conv.h, ATen.
struct GpuKernels {
  int version = 0;
  // As fused_group_norm: over groups of channels, then SiLU where silu is set.
  Tensor (*group_norm)(const Tensor& x, std::int64_t groups, const Tensor& weight, const Tensor& bias, double eps,
                       bool silu);
  // Over the last dimension.
  Tensor (*layer_norm)(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps);
  // As geglu: [..., 2C] → [..., C].
  Tensor (*geglu)(const Tensor& x);
  // x + bias[C] + per_image[B,C] + residual, of which any may be undefined; images.
  Tensor (*add)(const Tensor& x, const Tensor& bias, const Tensor& per_image, const Tensor& residual);
  // The four phases of a doubled image, [B,4C,h+1,w+1] as a folded convolution makes them, put together: [B,C,2h,2w].
  Tensor (*interleave)(const Tensor& phases);
  // A CUDA graph of work on the device of x (models/recordings.h): work is done once to warm up, then recorded.
  std::function<void()> (*record)(const Tensor& x, const std::function<void()>& work);
};
inline constexpr int kGpuKernelsVersion = 2;

// Loaded from libfewstep_cuda.so beside the program, once, where x is on CUDA and autograd is off; else null: the
// caller takes ATen's operators.
const GpuKernels* gpu_kernels(const Tensor& x);

}  // namespace fewstep
