#pragma once
#include "core/image.h"

#include <filesystem>
#include <string>
#include <vector>

namespace fewstep {

// The .png .jpg .jpeg .bmp .webp .tif .tiff files of a folder, sorted by name (byte order), not recursive.
// Throws Error (kInput) when the folder is missing or holds none.
std::vector<std::filesystem::path> list_images(const std::filesystem::path& folder);

// Decodes to RGB as Pillow's convert("RGB") does: EXIF orientation is not applied, alpha is dropped, grey is repeated,
// of 16 bits the upper 8 stay (Pillow clips 16-bit grey instead); CMYK within one level of Pillow. Throws Error
// (kInput) naming the file when it cannot be decoded, ends too early or has more than max_pixels.
Image read_image(const std::filesystem::path& path, std::int64_t max_pixels = 1 << 28);
// The same from a file's bytes; where names them in errors.
Image decode_image(const std::string& bytes, const std::string& where, std::int64_t max_pixels = 1 << 28);
// .png .jpg .jpeg .bmp .webp .tif .tiff, in any case.
bool is_image_extension(std::string_view extension);

constexpr std::uint64_t kMaxImageBytes = 512ull << 20;  // of a file

// PNG, whole or not at all.
void write_png(const std::filesystem::path& path, const Image& image);
std::string encode_png(const Image& image);

}  // namespace fewstep
