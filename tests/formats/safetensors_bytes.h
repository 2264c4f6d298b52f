#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace fewstep {

// A .safetensors file from a header's text and its data, right or wrong.
inline std::string safetensors_bytes(std::string_view header, std::string_view data, std::uint64_t claimed_length) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(claimed_length >> (8 * i) & 0xff);
  return bytes.append(header).append(data);
}
inline std::string safetensors_bytes(std::string_view header, std::string_view data) {
  return safetensors_bytes(header, data, header.size());
}

}  // namespace fewstep
