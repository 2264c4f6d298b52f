// libfewstep_cuda.so: the kernels over tensors (models/gpu.h). Its symbols of LibTorch's CUDA part are found in the
// libraries that the program loaded.
#include "models/cuda/launch.h"
#include "models/gpu.h"

#include <ATen/cuda/CUDAGraph.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <functional>
#include <memory>

namespace fewstep {
namespace {

constexpr auto kLast = at::MemoryFormat::ChannelsLast;

cuda::Number number_of(const Tensor& x) {
  return x.scalar_type() == at::kFloat  ? cuda::Number::kFloat
         : x.scalar_type() == at::kHalf ? cuda::Number::kHalf
                                        : cuda::Number::kBfloat16;
}

cuda::Images shape_of(const Tensor& x) { return {x.size(0), x.size(2) * x.size(3), x.size(1)}; }

// Sets the device of x for a launch, and finds its stream; a launch that fails is LibTorch's error.
class Launch {
 public:
  explicit Launch(const Tensor& x) : guard_(x.device()), stream_(c10::cuda::getCurrentCUDAStream(x.device().index())) {}
  operator cudaStream_t() const { return stream_.stream(); }
  void check() const { C10_CUDA_CHECK(cudaGetLastError()); }

 private:
  c10::cuda::CUDAGuard guard_;
  c10::cuda::CUDAStream stream_;
};

// A parameter in x's type; null where it is undefined.
Tensor like(const Tensor& parameter, const Tensor& x) {
  return parameter.defined() ? parameter.to(x.scalar_type()).contiguous() : parameter;
}
const void* pointer(const Tensor& x) { return x.defined() ? x.const_data_ptr() : nullptr; }

Tensor group_norm(const Tensor& x, std::int64_t groups, const Tensor& weight, const Tensor& bias, double eps,
                  bool silu) {
  const Tensor from = x.contiguous(kLast), to = at::empty_like(from), scale = like(weight, x), shift = like(bias, x);
  const cuda::Images shape = shape_of(from);
  const Tensor moments = at::empty({shape.images, cuda::chunks_of(shape), groups, 2}, x.options().dtype(at::kDouble));
  const Launch launch(x);
  cuda::group_norm(number_of(x), pointer(from), to.mutable_data_ptr(), shape, static_cast<int>(groups), pointer(scale),
                   pointer(shift), static_cast<float>(eps), silu, moments.mutable_data_ptr<double>(), launch);
  launch.check();
  return to;
}

Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  const Tensor from = x.contiguous(), to = at::empty_like(from), scale = like(weight, x), shift = like(bias, x);
  const auto channels = x.size(-1);
  const Launch launch(x);
  cuda::layer_norm(number_of(x), pointer(from), to.mutable_data_ptr(), x.numel() / channels, static_cast<int>(channels),
                   pointer(scale), pointer(shift), static_cast<float>(eps), launch);
  launch.check();
  return to;
}

Tensor geglu(const Tensor& x) {
  const Tensor from = x.contiguous();
  auto sizes = x.sizes().vec();
  sizes.back() /= 2;
  const Tensor to = at::empty(sizes, x.options());
  const Launch launch(x);
  cuda::geglu(number_of(x), pointer(from), to.mutable_data_ptr(), to.numel() / sizes.back(), sizes.back(), launch);
  launch.check();
  return to;
}

Tensor add(const Tensor& x, const Tensor& bias, const Tensor& per_image, const Tensor& residual) {
  const Tensor from = x.contiguous(kLast), to = at::empty_like(from);
  const Tensor of_channel = like(bias, x), of_image = like(per_image, x);
  const Tensor other = residual.defined() ? residual.to(x.scalar_type()).contiguous(kLast) : residual;
  const Launch launch(x);
  cuda::add(number_of(x), pointer(from), to.mutable_data_ptr(), shape_of(from), pointer(of_channel), pointer(of_image),
            pointer(other), launch);
  launch.check();
  return to;
}

Tensor interleave(const Tensor& phases) {
  const Tensor from = phases.contiguous(kLast);
  const auto images = from.size(0), channels = from.size(1) / 4, height = from.size(2) - 1, width = from.size(3) - 1;
  const Tensor to = at::empty({images, channels, 2 * height, 2 * width}, from.options(), kLast);
  const Launch launch(phases);
  cuda::interleave(number_of(from), pointer(from), to.mutable_data_ptr(), images, height, width, channels, launch);
  launch.check();
  return to;
}

// A capture allows no call that waits, and nothing on the device's default stream: work is warmed up (libraries load,
// plans are found, workspaces are made) and captured on a stream of its own. Only this thread's calls are watched, for
// other stages use the device meanwhile.
std::function<void()> record(const Tensor& x, const std::function<void()>& work) {
  const c10::cuda::CUDAGuard guard(x.device());
  const auto before = c10::cuda::getCurrentCUDAStream(x.device().index());
  before.synchronize();
  const c10::cuda::CUDAStreamGuard aside(c10::cuda::getStreamFromPool(false, x.device().index()));
  work();
  aside.current_stream().synchronize();
  const auto graph = std::make_shared<at::cuda::CUDAGraph>();
  try {
    graph->capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
    work();
    graph->capture_end();
  } catch (const c10::Error&) {
    try {
      graph->capture_end();
    } catch (const c10::Error&) {  // the capture is over either way
    }
    static_cast<void>(cudaGetLastError());
    return nullptr;
  }
  return [graph] { graph->replay(); };
}

constexpr GpuKernels kKernels{kGpuKernelsVersion, group_norm, layer_norm, geglu, add, interleave, record};

}  // namespace
}  // namespace fewstep

extern "C" __attribute__((visibility("default"))) const fewstep::GpuKernels* fewstep_gpu_kernels() {
  return &fewstep::kKernels;
}
