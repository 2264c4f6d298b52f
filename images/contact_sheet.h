#pragma once
#include "core/image.h"

#include <span>

namespace fewstep {

// Images of one size side by side, row by row, with a small margin of white: at least as wide as high. images is not
// empty. Throws Error (kInput) for two sizes.
Image contact_sheet(std::span<const Image> images);

}  // namespace fewstep
