#pragma once
#include <optional>
#include <string_view>

namespace fewstep {

// A device as the command line names it; read without LibTorch.
struct DeviceName {
  enum class Kind { kAuto, kCpu, kCuda } kind = Kind::kAuto;
  int index = 0;  // of CUDA
};
// "auto" | "cpu" | "cuda" | "cuda:N", N below 128; nothing for another word.
std::optional<DeviceName> read_device_name(std::string_view text);

}  // namespace fewstep
