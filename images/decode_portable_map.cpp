#include "images/decoders.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fewstep {
namespace {

// Netpbm's formats: P1 and P4 bits, P2 and P5 grey, P3 and P6 colour; the first three in decimal, the others in bytes.
class PortableMap {
 public:
  explicit PortableMap(const EncodedImage& file) : file_(file) {}

  Image decode() {
    kind_ = file_.bytes[1] - '0';
    at_ = 2;
    const std::int64_t width = number(), height = number();
    const bool bits = kind_ == 1 || kind_ == 4, colour = kind_ == 3 || kind_ == 6;
    largest_ = bits ? 1 : number();
    if (largest_ < 1 || largest_ > 65535) throw broken(fmt::format("a largest value of {}", largest_));
    if (kind_ >= 4) ++at_;  // one blank before the bytes
    Image image = make_image(file_, width, height);
    for (std::int64_t y = 0, i = 0; y < height; ++y) {
      const std::size_t row = at_;
      for (std::int64_t x = 0; x < width; ++x) {
        if (kind_ == 4) at_ = row + static_cast<std::size_t>(x / 8);
        std::int64_t value = 0;
        for (int c = 0; c < 3; ++c, ++i) {
          if (c == 0 || colour) value = kind_ == 4 ? byte() >> (7 - x % 8) & 1 : sample();
          image.rgb[static_cast<std::size_t>(i)] = level(value, colour);
        }
      }
    }
    if (clipped_) tell_clipped(file_);
    return image;
  }

 private:
  Error broken(std::string_view reason) const { return broken_image(file_, "portable map", reason); }
  int byte() {
    if (at_ >= file_.bytes.size()) throw broken("it ends too early");
    return static_cast<std::uint8_t>(file_.bytes[at_++]);
  }
  // Pillow stretches to 255, and grey of more than 8 bits to 65535, which it clips.
  std::uint8_t level(std::int64_t value, bool colour) {
    if (kind_ == 1 || kind_ == 4) return value ? 0 : 255;
    value = std::min(value, largest_);
    const std::int64_t most = !colour && largest_ > 255 ? 65535 : 255;
    // In Python's arithmetic, which rounds a half to the even neighbour.
    if (largest_ != most)
      value = std::llrint(static_cast<double>(value) / static_cast<double>(largest_) * static_cast<double>(most));
    clipped_ = clipped_ || value > 255;
    return static_cast<std::uint8_t>(std::min<std::int64_t>(value, 255));
  }
  std::int64_t sample() {
    if (kind_ == 1) {
      skip_blanks();
      const int digit = byte();
      if (digit != '0' && digit != '1') throw broken("a bit that is no 0 or 1");
      return digit - '0';
    }
    if (kind_ < 4) return number();
    const int high = byte();
    return largest_ > 255 ? high << 8 | byte() : high;
  }
  void skip_blanks() {
    const std::string_view bytes = file_.bytes;
    while (at_ < bytes.size() && (is_blank(bytes[at_]) || bytes[at_] == '#'))
      at_ = bytes[at_] == '#' ? std::min(bytes.find('\n', at_), bytes.size()) : at_ + 1;
  }
  static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
  std::int64_t number() {
    skip_blanks();
    std::int64_t value = 0;
    const std::size_t first = at_;
    for (; at_ < file_.bytes.size() && file_.bytes[at_] >= '0' && file_.bytes[at_] <= '9' && at_ - first < 9; ++at_)
      value = value * 10 + (file_.bytes[at_] - '0');
    if (at_ == first) throw broken(at_ == file_.bytes.size() ? "it ends too early" : "a number that is none");
    return value;
  }

  const EncodedImage& file_;
  std::size_t at_ = 0;
  int kind_ = 0;
  std::int64_t largest_ = 1;
  bool clipped_ = false;
};

}  // namespace

Image decode_portable_map(const EncodedImage& file) { return PortableMap(file).decode(); }

}  // namespace fewstep
