#pragma once
#include "core/image.h"

#include <cstdint>
#include <functional>
#include <string>

namespace fewstep {

struct CaptionedImage {
  Image image;
  std::string caption;
};

// A data set for training: image and caption by number, in any order.
struct CaptionedImages {
  std::int64_t count = 0;
  std::string identity;  // SHA-256 of what decides its content
  std::function<CaptionedImage(std::int64_t index)> at;
};

}  // namespace fewstep
