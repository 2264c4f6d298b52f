#include "images/decoders.h"

#include <cstdio>
#include <cstring>

namespace fewstep {

Image decode_npy(const EncodedImage& file) {
  const auto broken = [&] {
    return broken_image(file, "NumPy", "expected bytes (|u1) of shape (height, width, 3), in C order");
  };
  constexpr std::size_t kLength = 8, kHeader = 10;  // of version 1
  if (file.bytes.size() < kHeader || file.bytes[6] != 1) throw broken();
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(file.bytes[at]); };
  const std::size_t pixels_at = kHeader + (byte(kLength) | byte(kLength + 1) << 8);
  if (pixels_at > file.bytes.size()) throw broken();
  const std::string header(file.bytes.substr(kHeader, pixels_at - kHeader));
  int height = 0, width = 0, end = 0;
  const auto shape = header.find("'shape': (");
  if (header.find("'descr': '|u1'") == header.npos || header.find("'fortran_order': False") == header.npos ||
      shape == header.npos ||
      std::sscanf(header.c_str() + shape, "'shape': (%9d, %9d, 3)%n", &height, &width, &end) != 2 || end == 0)
    throw broken();
  Image image = make_image(file, width, height);
  if (file.bytes.size() - pixels_at < image.rgb.size()) throw broken();
  std::memcpy(image.rgb.data(), file.bytes.data() + pixels_at, image.rgb.size());
  return image;
}

}  // namespace fewstep
