#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace fewstep {

// What the bytes of an image file say before anything is decoded.
struct ImageHeader {
  std::string_view format;  // "PNG" "JPEG" "BMP" "WebP" "TIFF"
  std::int64_t width = 0, height = 0;
};

// Recognised by content, not by name. Throws Error (kInput) naming where for another format, a torn header, and a PNG,
// JPEG or BMP that ends too early (a decoder would fill the rest of a JPEG with grey).
ImageHeader read_image_header(std::string_view bytes, const std::string& where);

}  // namespace fewstep
