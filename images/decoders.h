#pragma once
#include "core/error.h"
#include "core/image.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace fewstep {

// The bytes of an image file, how errors and warnings name it, and how many pixels it may have.
struct EncodedImage {
  std::string_view bytes;
  const std::string& where;
  std::int64_t max_pixels;
};

// Room for the pixels. Throws Error (kInput) for a side below 1 and for more than max_pixels.
Image make_image(const EncodedImage& file, std::int64_t width, std::int64_t height);
// "expected a whole PNG image, got broken data: REASON".
Error broken_image(const EncodedImage& file, std::string_view format, std::string_view reason = "");
// A number of 16 bits or more in a grey picture as Pillow's convert("RGB") has it: clipped at 255. Tells so once a
// file.
void tell_clipped(const EncodedImage& file);

// Red, green or blue of CMYK as Pillow converts it: the white that black leaves, without the colour's ink.
constexpr std::uint8_t without_ink(int ink, int black) {
  const int white = 255 - black, product = ink * white + 128;
  return static_cast<std::uint8_t>(std::max(0, white - ((product + (product >> 8)) >> 8)));
}

// Pillow's convert("RGB") of the first frame, by the format's own library. Throw Error (kInput) for a file that is
// broken, ends too early or is of a kind that docs/parity.md lists; warnings of the libraries are told.
Image decode_jpeg(const EncodedImage& file);
Image decode_png(const EncodedImage& file);
Image decode_webp(const EncodedImage& file);
Image decode_tiff(const EncodedImage& file);
Image decode_bmp(const EncodedImage& file);
Image decode_gif(const EncodedImage& file);
Image decode_portable_map(const EncodedImage& file);  // .pbm .pgm .ppm, P1 to P6
Image decode_npy(const EncodedImage& file);           // bytes [H,W,3], as clean-fid takes them

}  // namespace fewstep
