#pragma once
#include "core/image.h"
#include "models/hashed_weights.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace fewstep {

// The images and feature rows of tests/references/_hashed_images.py, to the bit.

inline std::vector<double> uniform(const std::string& name, std::size_t count) {
  HashedUniform stream(name);
  std::vector<double> values(count);
  for (double& value : values) value = stream.next();
  return values;
}

inline Image hashed_image(const std::string& name, int height, int width, int block = 16) {
  const int columns = (width + block - 1) / block, rows = (height + block - 1) / block;
  const auto coarse = uniform(name + "/blocks", static_cast<std::size_t>(rows) * columns * 3);
  const auto fine = uniform(name + "/noise", static_cast<std::size_t>(height) * width * 3);
  Image image{height, width, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < 3 * width; ++x) {
      const auto block_at = static_cast<std::size_t>(((y / block) * columns + x / 3 / block) * 3 + x % 3);
      const double value = 0.75 * coarse[block_at] + 0.25 * fine[static_cast<std::size_t>(y * 3 * width + x)];
      image.rgb.push_back(static_cast<std::uint8_t>(std::clamp(std::floor(value * 192.0 + 128.0), 0.0, 255.0)));
    }
  }
  return image;
}

inline std::vector<float> hashed_rows(const std::string& name, std::int64_t count, std::int64_t width, double shift = 0,
                                      double scale = 1) {
  const auto u = uniform(name, static_cast<std::size_t>(count * width));
  std::vector<float> rows(u.size());
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::int64_t j = 0; j < width; ++j) {
      const double before = u[static_cast<std::size_t>(i * width + (j + width - 1) % width)];
      const auto at = static_cast<std::size_t>(i * width + j);
      rows[at] =
          static_cast<float>(((u[at] + 0.5 * before) * std::ldexp(1.0, static_cast<int>(-(j % 4))) + shift) * scale);
    }
  }
  return rows;
}

}  // namespace fewstep
