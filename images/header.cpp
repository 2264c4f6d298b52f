#include "images/header.h"

#include "core/error.h"

#include <cstdlib>

namespace fewstep {
namespace {

enum class Order { kLittle, kBig };

// Bounds-checked numbers of a file.
class Bytes {
 public:
  Bytes(std::string_view bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  std::uint32_t number(std::size_t at, int count, Order order) const {
    if (at > bytes_.size() || bytes_.size() - at < static_cast<std::size_t>(count)) throw torn();
    std::uint32_t value = 0;
    for (int i = 0; i < count; ++i) {
      const auto byte = static_cast<std::uint8_t>(bytes_[at + (order == Order::kBig ? i : count - 1 - i)]);
      value = value << 8 | byte;
    }
    return value;
  }
  std::uint32_t little(std::size_t at, int count) const { return number(at, count, Order::kLittle); }
  std::uint32_t big(std::size_t at, int count) const { return number(at, count, Order::kBig); }
  bool has(std::size_t at, std::string_view text) const {
    return at <= bytes_.size() && bytes_.substr(at).starts_with(text);
  }
  std::size_t size() const { return bytes_.size(); }
  Error broken(std::string_view what) const { return input_error(where_, what); }
  Error torn() const {
    return broken("expected a whole image, got " + std::to_string(bytes_.size()) + " bytes that end too early");
  }

 private:
  std::string_view bytes_;
  const std::string& where_;
};

ImageHeader png_header(const Bytes& bytes) {
  if (!bytes.has(12, "IHDR")) throw bytes.broken("expected a PNG that begins with its header");
  std::size_t at = 8;
  while (!bytes.has(at + 4, "IEND")) at += std::size_t{12} + bytes.big(at, 4);
  bytes.big(at + 8, 4);  // its checksum is the end of the file
  return {"PNG", bytes.big(16, 4), bytes.big(20, 4)};
}

bool is_frame(std::uint32_t marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

// The first marker after the coded data of a scan: stuffed zeros and restart markers belong to it.
std::size_t after_scan(const Bytes& bytes, std::size_t at) {
  while (true) {
    if (bytes.big(at, 1) != 0xff) {
      ++at;
      continue;
    }
    const std::uint32_t marker = bytes.big(at + 1, 1);
    if (marker != 0 && marker != 0xff && (marker < 0xd0 || marker > 0xd7)) return at;
    at += marker == 0xff ? 1 : 2;
  }
}

// Walks the segments to the end marker; number() throws where they go beyond the file.
ImageHeader jpeg_header(const Bytes& bytes) {
  ImageHeader header{"JPEG"};
  for (std::size_t at = 2;;) {
    if (bytes.big(at, 1) != 0xff) throw bytes.broken("expected a JPEG marker at byte " + std::to_string(at));
    const std::uint32_t marker = bytes.big(at + 1, 1);
    if (marker == 0xff) {  // fill byte
      ++at;
      continue;
    }
    if (marker == 0xd9) break;
    const std::size_t length = bytes.big(at + 2, 2);
    if (length < 2) throw bytes.broken("expected a JPEG segment of at least 2 bytes, got " + std::to_string(length));
    if (is_frame(marker)) {
      if (header.width != 0) throw bytes.broken("expected a JPEG of one frame, got a second one");
      header.height = bytes.big(at + 5, 2);
      header.width = bytes.big(at + 7, 2);
    }
    at += 2 + length;
    if (marker == 0xda) at = after_scan(bytes, at);
  }
  return header;
}

ImageHeader bmp_header(const Bytes& bytes) {
  if (bytes.little(14, 4) == 12) return {"BMP", bytes.little(18, 2), bytes.little(20, 2)};
  const auto width = static_cast<std::int32_t>(bytes.little(18, 4));
  const std::int64_t height = std::abs(static_cast<std::int64_t>(static_cast<std::int32_t>(bytes.little(22, 4))));
  if (bytes.little(30, 4) == 0) {  // not compressed
    const std::uint64_t row_bytes =
        (std::uint64_t{static_cast<std::uint32_t>(width)} * bytes.little(28, 2) + 31) / 32 * 4;
    if (bytes.little(10, 4) + row_bytes * static_cast<std::uint64_t>(height) > bytes.size()) throw bytes.torn();
  }
  return {"BMP", width, height};  // a negative height says that rows run from the top
}

ImageHeader webp_header(const Bytes& bytes) {
  if (bytes.has(12, "VP8X")) return {"WebP", bytes.little(24, 3) + 1, bytes.little(27, 3) + 1};
  if (bytes.has(12, "VP8L")) {
    const std::uint32_t sizes = bytes.little(21, 4);
    return {"WebP", (sizes & 0x3fff) + 1, (sizes >> 14 & 0x3fff) + 1};
  }
  return {"WebP", bytes.little(26, 2) & 0x3fff, bytes.little(28, 2) & 0x3fff};
}

ImageHeader tiff_header(const Bytes& bytes) {
  const Order order = bytes.has(0, "II") ? Order::kLittle : Order::kBig;
  const std::size_t directory = bytes.number(4, 4, order);
  const std::uint32_t entries = bytes.number(directory, 2, order);
  bytes.number(directory + 2 + std::size_t{12} * entries, 4, order);  // the directory is whole
  ImageHeader header{"TIFF"};
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    const std::uint32_t tag = bytes.number(entry, 2, order);
    const int width = bytes.number(entry + 2, 2, order) == 3 ? 2 : 4;
    if (tag == 256) header.width = bytes.number(entry + 8, width, order);
    if (tag == 257) header.height = bytes.number(entry + 8, width, order);
  }
  return header;
}

ImageHeader header_of(const Bytes& bytes) {
  using namespace std::string_view_literals;
  if (bytes.has(0, "\x89PNG\r\n\x1a\n"sv)) return png_header(bytes);
  if (bytes.has(0, "\xff\xd8"sv)) return jpeg_header(bytes);
  if (bytes.has(0, "BM"sv)) return bmp_header(bytes);
  if (bytes.has(0, "RIFF"sv) && bytes.has(8, "WEBP"sv)) return webp_header(bytes);
  if (bytes.has(0, "II*\0"sv) || bytes.has(0, "MM\0*"sv)) return tiff_header(bytes);
  throw bytes.broken("expected a PNG, JPEG, BMP, WebP or TIFF image, got other bytes");
}

}  // namespace

ImageHeader read_image_header(std::string_view bytes, const std::string& where) {
  const ImageHeader header = header_of(Bytes(bytes, where));
  if (header.width < 1 || header.height < 1) {
    throw input_error(where, "expected a width and height of at least 1, got " + std::to_string(header.width) + "x" +
                                 std::to_string(header.height));
  }
  return header;
}

}  // namespace fewstep
