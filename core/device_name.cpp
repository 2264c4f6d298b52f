#include "core/device_name.h"

#include <charconv>

namespace fewstep {

std::optional<DeviceName> read_device_name(std::string_view text) {
  using Kind = DeviceName::Kind;
  if (text == "auto") return DeviceName{};
  if (text == "cpu") return DeviceName{Kind::kCpu};
  if (text == "cuda") return DeviceName{Kind::kCuda};
  if (!text.starts_with("cuda:")) return std::nullopt;
  DeviceName device{Kind::kCuda};
  const auto digits = text.substr(5);
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), device.index);
  const bool valid = failure == std::errc() && end == digits.data() + digits.size();
  if (!valid || device.index < 0 || device.index >= 128) return std::nullopt;
  return device;
}

}  // namespace fewstep
