#include "images/contact_sheet.h"

#include "core/error.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace fewstep {

Image contact_sheet(std::span<const Image> images) {
  constexpr int kMargin = 4;
  const int height = images.front().height, width = images.front().width, count = static_cast<int>(images.size());
  const int columns = static_cast<int>(std::ceil(std::sqrt(static_cast<double>(count))));
  const int rows = (count + columns - 1) / columns;
  Image sheet;
  sheet.height = rows * (height + kMargin) - kMargin;
  sheet.width = columns * (width + kMargin) - kMargin;
  sheet.rgb.assign(static_cast<std::size_t>(sheet.height) * sheet.width * 3, 255);
  for (int i = 0; i < count; ++i) {
    const Image& image = images[i];
    if (image.height != height || image.width != width)
      throw input_error("contact sheet", "expected images of one size");
    const int top = i / columns * (height + kMargin), left = i % columns * (width + kMargin);
    for (int y = 0; y < height; ++y)
      std::copy_n(image.rgb.begin() + static_cast<std::ptrdiff_t>(y) * width * 3, width * 3,
                  sheet.rgb.begin() + (static_cast<std::ptrdiff_t>(top + y) * sheet.width + left) * 3);
  }
  return sheet;
}

}  // namespace fewstep
