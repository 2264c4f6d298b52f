#include "models/gpu.h"

#include "models/packed.h"

#include <dlfcn.h>

#include <filesystem>

namespace fewstep {
namespace {

const GpuKernels* load_kernels() {
  std::error_code failure;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", failure);
  // libtorch_cuda.so is there already: x is on CUDA.
  void* const library = dlopen((program.parent_path() / "libfewstep_cuda.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) return nullptr;
  using Find = const GpuKernels*();
  auto* const find = reinterpret_cast<Find*>(dlsym(library, "fewstep_gpu_kernels"));
  const GpuKernels* const kernels = find ? find() : nullptr;
  return kernels && kernels->version == kGpuKernelsVersion ? kernels : nullptr;
}

}  // namespace

const GpuKernels* gpu_kernels(const Tensor& x) {
  const auto type = x.scalar_type();
  const bool applies = x.is_cuda() && is_inference() && x.numel() > 0 &&
                       (type == at::kFloat || type == at::kHalf || type == at::kBFloat16);
  if (!applies) return nullptr;
  static const GpuKernels* const kernels = load_kernels();
  return kernels;
}

}  // namespace fewstep
