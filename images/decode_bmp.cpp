#include "images/decoders.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <vector>

namespace fewstep {
namespace {

enum Compression : std::uint32_t { kNone = 0, kRle8 = 1, kRle4 = 2, kBitFields = 3, kAlphaBitFields = 6 };

class Bitmap {
 public:
  explicit Bitmap(const EncodedImage& file) : file_(file) {}

  Image decode() {
    read_header();
    read_palette();
    Image image = make_image(file_, width_, height_);
    const bool runs = compression_ == kRle8 || compression_ == kRle4;
    runs ? read_runs(image) : read_rows(image);
    return image;
  }

 private:
  Error broken(std::string_view reason) const { return broken_image(file_, "BMP", reason); }
  std::uint32_t number(std::size_t at, int bytes) const {
    if (at > file_.bytes.size() || file_.bytes.size() - at < static_cast<std::size_t>(bytes))
      throw broken("it ends too early");
    std::uint32_t value = 0;
    for (int i = bytes - 1; i >= 0; --i) value = value << 8 | static_cast<std::uint8_t>(file_.bytes[at + i]);
    return value;
  }

  void read_header() {
    pixels_at_ = number(10, 4);
    header_ = number(14, 4);
    if (header_ == 12) {  // OS/2
      width_ = number(18, 2);
      height_ = number(20, 2);
      bits_ = number(24, 2);
    } else if (header_ >= 40) {
      width_ = static_cast<std::int32_t>(number(18, 4));
      height_ = static_cast<std::int32_t>(number(22, 4));
      downwards_ = height_ < 0;
      if (downwards_) height_ = -height_;
      bits_ = number(28, 2);
      compression_ = number(30, 4);
      colours_ = number(46, 4);
    } else {
      throw broken(fmt::format("a header of {} bytes", header_));
    }
    const bool fields = compression_ == kBitFields || compression_ == kAlphaBitFields;
    const bool known = bits_ == 1 || bits_ == 4 || bits_ == 8 || bits_ == 16 || bits_ == 24 || bits_ == 32;
    if (!known || compression_ > kAlphaBitFields || (fields && bits_ != 16 && bits_ != 32) ||
        (compression_ == kRle8 && bits_ != 8) || (compression_ == kRle4 && bits_ != 4) || compression_ == 4 ||
        compression_ == 5)
      throw broken(fmt::format("{} bits a pixel with compression {}", bits_, compression_));
    if (bits_ == 16) masks_ = {0x7c00, 0x3e0, 0x1f};
    if (fields)  // behind the first 40 bytes, whether they belong to a longer header or not
      for (int c = 0; c < 3; ++c) masks_[c] = number(54 + 4 * static_cast<std::size_t>(c), 4);
  }

  void read_palette() {
    if (bits_ > 8) return;
    const std::size_t entry = header_ == 12 ? 3 : 4, count = colours_ ? colours_ : std::size_t{1} << bits_;
    if (count > 256) throw broken(fmt::format("a palette of {} colours", count));
    palette_.assign(std::size_t{1} << 8, {0, 0, 0});
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t bgr = number(14 + header_ + entry * i, 3);
      palette_[i] = {static_cast<std::uint8_t>(bgr >> 16), static_cast<std::uint8_t>(bgr >> 8),
                     static_cast<std::uint8_t>(bgr)};
    }
  }

  std::uint8_t* pixel(Image& image, std::int64_t x, std::int64_t y) const {  // y from the first row of the file
    const std::int64_t row = downwards_ ? y : height_ - 1 - y;
    return &image.rgb[static_cast<std::size_t>(row * width_ + x) * 3];
  }
  void put_index(Image& image, std::int64_t x, std::int64_t y, std::size_t index) const {
    std::copy(palette_[index].begin(), palette_[index].end(), pixel(image, x, y));
  }

  void read_rows(Image& image) const {
    const std::size_t row_bytes = (static_cast<std::size_t>(width_) * bits_ + 31) / 32 * 4;
    for (std::int64_t y = 0; y < height_; ++y) {
      const std::size_t row = pixels_at_ + row_bytes * static_cast<std::size_t>(y);
      for (std::int64_t x = 0; x < width_; ++x) {
        const auto at = static_cast<std::size_t>(x);
        if (bits_ <= 8) {
          const std::size_t bit = at * bits_;
          put_index(image, x, y, number(row + bit / 8, 1) >> (8 - bits_ - bit % 8) & ((1u << bits_) - 1));
          continue;
        }
        const std::uint32_t value = number(row + at * bits_ / 8, static_cast<int>(bits_ / 8));
        for (int c = 0; c < 3; ++c) pixel(image, x, y)[c] = level(value, masks_[c]);
      }
    }
  }

  // 5 or 6 bits are stretched to 8 as Pillow stretches them: value * 255 / the largest.
  static std::uint8_t level(std::uint32_t value, std::uint32_t mask) {
    if (mask == 0) return 0;
    const int shift = std::countr_zero(mask);
    return static_cast<std::uint8_t>(std::uint64_t{(value & mask) >> shift} * 255 / (mask >> shift));
  }

  // Run lengths: COUNT VALUE; 0 0 ends a row, 0 1 the picture, 0 2 X Y jumps, 0 N is N values as they are.
  void read_runs(Image& image) const {
    std::int64_t x = 0, y = 0;
    for (std::int64_t i = 0; i < width_ * height_; ++i) put_index(image, i % width_, i / width_, 0);
    const auto put = [&](std::size_t index) {
      if (x < width_ && y < height_) put_index(image, x, y, index);
      ++x;
    };
    const auto half = [&](std::uint32_t byte, std::uint32_t i) { return i % 2 ? byte & 15 : byte >> 4; };
    for (std::size_t at = pixels_at_; y < height_;) {
      const std::uint32_t count = number(at, 1), value = number(at + 1, 1);
      at += 2;
      if (count > 0) {
        for (std::uint32_t i = 0; i < count; ++i) put(bits_ == 8 ? value : half(value, i));
      } else if (value == 0) {
        x = 0;
        ++y;
      } else if (value == 1) {
        return;
      } else if (value == 2) {
        x += number(at, 1);
        y += number(at + 1, 1);
        at += 2;
      } else {
        for (std::uint32_t i = 0; i < value; ++i) put(bits_ == 8 ? number(at + i, 1) : half(number(at + i / 2, 1), i));
        const std::size_t bytes = bits_ == 8 ? value : (value + 1) / 2;
        at += bytes + bytes % 2;
      }
    }
  }

  const EncodedImage& file_;
  std::size_t pixels_at_ = 0;
  std::uint32_t header_ = 0, bits_ = 0, compression_ = kNone, colours_ = 0;
  std::int64_t width_ = 0, height_ = 0;
  bool downwards_ = false;
  std::array<std::uint32_t, 3> masks_{0xff0000, 0xff00, 0xff};
  std::vector<std::array<std::uint8_t, 3>> palette_;
};

}  // namespace

Image decode_bmp(const EncodedImage& file) { return Bitmap(file).decode(); }

}  // namespace fewstep
