#pragma once
#include <algorithm>
#include <array>
#include <span>
#include <string_view>

namespace fewstep {

// Which files of a folder count as images. Hidden files never do.
struct ImageRule {
  std::span<const std::string_view> endings;
  bool any_case = true;  // ".PNG" as ".png"
  bool deep = false;     // those in the folders below, too
  constexpr bool operator==(const ImageRule& other) const {
    return std::ranges::equal(endings, other.endings) && any_case == other.any_case && deep == other.deep;
  }
};

// What this program reads; a metric's protocol may have a rule of its own (metrics/catalog.h).
inline constexpr std::array<std::string_view, 11> kImageEndings{".png",  ".jpg", ".jpeg", ".bmp", ".webp", ".tif",
                                                                ".tiff", ".gif", ".ppm",  ".pgm", ".pbm"};
inline constexpr ImageRule kImageRule{kImageEndings};

}  // namespace fewstep
