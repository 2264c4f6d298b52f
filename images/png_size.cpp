#include "images/png_size.h"

namespace fewstep {
namespace {

std::uint32_t number(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(bytes[at + static_cast<std::size_t>(i)]);
  return value;
}

}  // namespace

std::optional<PngSize> png_size(std::string_view bytes) {
  using namespace std::string_view_literals;
  constexpr std::size_t kFirst = 8, kFrame = 12;  // a chunk: length, type, content, checksum
  if (!bytes.starts_with("\x89PNG\r\n\x1a\n"sv) || bytes.size() < 33 || bytes.substr(12, 4) != "IHDR")
    return std::nullopt;
  for (std::size_t at = kFirst; bytes.size() - at >= kFrame; at += kFrame + number(bytes, at)) {
    if (bytes.substr(at + 4, 4) == "IEND") return PngSize{number(bytes, 16), number(bytes, 20)};
    if (number(bytes, at) > bytes.size() - at - kFrame) break;
  }
  return std::nullopt;
}

}  // namespace fewstep
