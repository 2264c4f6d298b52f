#pragma once
#include <cstdint>
#include <vector>

namespace fewstep {

// An 8-bit RGB image, row-major [height][width][3].
struct Image {
  int height = 0, width = 0;
  std::vector<std::uint8_t> rgb;
  bool operator==(const Image&) const = default;
};

}  // namespace fewstep
