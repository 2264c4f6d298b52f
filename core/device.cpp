#include "core/device.h"

#include "core/device_name.h"
#include "core/error.h"

#include <ATen/Context.h>
#include <c10/core/Stream.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Exception.h>
#include <dlfcn.h>
#include <link.h>

#include <fmt/format.h>

#include <string>

namespace fewstep {
namespace {

// The folder that libtorch_cpu.so was loaded from, with a slash; empty where it is unknown.
std::string libtorch_folder() {
  void* cpu = dlopen("libtorch_cpu.so", RTLD_NOW | RTLD_NOLOAD);
  link_map* map = nullptr;
  if (!cpu || dlinfo(cpu, RTLD_DI_LINKMAP, static_cast<void*>(&map)) != 0) return "";
  const std::string path = map->l_name;
  return path.substr(0, path.rfind('/') + 1);
}

// libtorch_cuda.so registers itself with ATen when it is loaded, and is looked up once: it has to be there before the
// first question for CUDA. Returns why CUDA cannot be used, or nothing.
const std::string& load_cuda() {
  static const std::string reason = [] {
    if (!dlopen((libtorch_folder() + "libtorch_cuda.so").c_str(), RTLD_NOW | RTLD_GLOBAL)) {
      const char* why = dlerror();
      return std::string(why ? why : "libtorch_cuda.so cannot be loaded") +
             "; install CUDA's libraries with: make deps CUDA=1";
    }
    return std::string(at::globalContext().hasCUDA() ? "" : "the driver shows no CUDA device");
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
  const auto name = read_device_name(text);
  if (!name) throw usage_error("device", "expected auto, cpu or cuda:N, got " + std::string(text));
  allow_tf32(false);
  if (name->kind == DeviceName::Kind::kCpu) return at::kCPU;
  if (name->kind == DeviceName::Kind::kAuto)
    return load_cuda().empty() && cuda_devices() > 0 ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  const std::string reason = load_cuda();
  if (!reason.empty()) {
    throw environment_error(
        "device", "expected a CUDA device for " + std::string(text) + ", but " + reason + ", or use --device cpu");
  }
  if (name->index >= cuda_devices()) {
    throw environment_error(
        "device",
        fmt::format("expected {}, got {} CUDA devices; use --device cpu or a lower number", text, cuda_devices()));
  }
  return {at::kCUDA, static_cast<c10::DeviceIndex>(name->index)};
}

std::string local_device(int local) {
  const std::int64_t devices = load_cuda().empty() ? cuda_devices() : 0;
  return devices > 0 ? fmt::format("cuda:{}", local % devices) : "cpu";
}

void allow_tf32(bool allowed) {
  at::globalContext().setAllowTF32CuBLAS(allowed);
  at::globalContext().setAllowTF32CuDNN(allowed);
}

void synchronize(at::Device device) {
  if (device.is_cpu()) return;
  c10::impl::VirtualGuardImpl(device.type()).getStream(device).synchronize();
}

}  // namespace fewstep
