#pragma once
#include "core/image.h"
#include "images/image_rule.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

struct ImageList {
  std::vector<std::filesystem::path> files;  // sorted by their paths (byte order)
  std::string passed_over;                   // "2 .txt, 1 hidden, 3 images in folders below"; empty: nothing
};

// Throws Error (kInput) when the folder is missing or holds none.
ImageList list_images(const std::filesystem::path& folder, const ImageRule& rule = kImageRule);
// "5 images of DIR; passed over: 2 .txt".
std::string text_of(const ImageList& list, const std::filesystem::path& folder);

// The first frame of a PNG, JPEG, WebP, TIFF, BMP, GIF or portable map, decoded to RGB as Pillow's convert("RGB") does
// (docs/parity.md lists the differences): alpha is dropped, grey repeated, 16-bit grey clipped at 255; of the formats a
// TIFF alone is turned by its orientation. Also a .npy of bytes [H,W,3]. Recognised by content. Throws Error (kInput)
// naming the file when it cannot be decoded, ends too early or has more than max_pixels.
Image read_image(const std::filesystem::path& path, std::int64_t max_pixels = 1 << 28);
// The same from a file's bytes; where names them in errors.
Image decode_image(const std::string& bytes, const std::string& where, std::int64_t max_pixels = 1 << 28);
// One of kImageEndings, in any case.
bool is_image_extension(std::string_view extension);

constexpr std::uint64_t kMaxImageBytes = 512ull << 20;  // of a file

// PNG, whole or not at all.
void write_png(const std::filesystem::path& path, const Image& image);
std::string encode_png(const Image& image);

}  // namespace fewstep
