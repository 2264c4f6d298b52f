#include "core/error.h"
#include "core/tensor.h"

#include <ATen/Context.h>
#include <c10/util/Exception.h>
#include <dlfcn.h>

#include <charconv>
#include <string>

namespace fewstep {
namespace {

// libtorch_cuda.so registers itself with ATen when it is loaded; libtorch_cpu.so beside it is linked already.
// Returns why CUDA cannot be used, or nothing.
std::string load_cuda() {
  static const std::string reason = [] {
    if (!dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL)) {
      const char* why = dlerror();
      return std::string(why ? why : "libtorch_cuda.so cannot be loaded");
    }
    dlopen("libtorch_cuda_linalg.so", RTLD_NOW | RTLD_GLOBAL);  // loaded on demand otherwise
    if (!at::globalContext().hasCUDA()) return std::string("the driver shows no CUDA device");
    return std::string();
  }();
  return reason;
}

std::int64_t cuda_devices() {
  try {
    return at::globalContext().getAcceleratorHooksInterface(at::kCUDA).deviceCount();
  } catch (const c10::Error&) {
    return 0;
  }
}

}  // namespace

at::Device parse_device(std::string_view text) {
  if (text == "cpu") return at::kCPU;
  if (text == "auto")
    return load_cuda().empty() && cuda_devices() > 0 ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  int index = 0;
  bool valid = text == "cuda";
  if (text.starts_with("cuda:")) {
    const auto digits = text.substr(5);
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    valid = failure == std::errc() && end == digits.data() + digits.size() && index >= 0 && index < 128;
  }
  if (!valid) throw usage_error("device", "expected auto, cpu or cuda:N, got " + std::string(text));
  const std::string reason = load_cuda();
  if (!reason.empty()) {
    throw environment_error("device", "expected a CUDA device for " + std::string(text) + ", but " + reason +
                                          "; use --device cpu, or install CUDA's libraries with: make deps CUDA=1");
  }
  if (index >= cuda_devices()) {
    throw environment_error("device", "expected " + std::string(text) + ", got " + std::to_string(cuda_devices()) +
                                          " CUDA devices; use --device cpu or a lower number");
  }
  return {at::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

void use_exact_float32() {
  at::globalContext().setAllowTF32CuBLAS(false);
  at::globalContext().setAllowTF32CuDNN(false);
}

}  // namespace fewstep
