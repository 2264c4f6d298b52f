#include "core/warnings.h"
#include "images/decoders.h"

#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <vector>

#include <png.h>

namespace fewstep {
namespace {

// libpng leaves a failed call by longjmp, which runs no destructors: what needs one lives in decode_png, outside.
struct Reader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::string_view bytes;
  std::size_t at = 0;
  char reason[200] = "", warning[200] = "";
  int bits = 0, colours = 0;
  png_uint_32 width = 0, height = 0;
  bool wide_grey() const { return bits == 16 && colours == PNG_COLOR_TYPE_GRAY; }
};

void keep(char (&place)[200], png_const_charp text) { std::strncpy(place, text, sizeof place - 1); }

[[noreturn]] void fail(png_structp png, png_const_charp text) {
  keep(static_cast<Reader*>(png_get_error_ptr(png))->reason, text);
  png_longjmp(png, 1);
}
void keep_warning(png_structp png, png_const_charp text) {
  Reader& reader = *static_cast<Reader*>(png_get_error_ptr(png));
  if (reader.warning[0] == '\0') keep(reader.warning, text);
}
void take_bytes(png_structp png, png_bytep to, std::size_t count) {
  Reader& reader = *static_cast<Reader*>(png_get_io_ptr(png));
  if (reader.bytes.size() - reader.at < count) png_error(png, "it ends too early");
  std::memcpy(to, reader.bytes.data() + reader.at, count);
  reader.at += count;
}

bool read_header(Reader& reader) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  png_set_read_fn(reader.png, &reader, take_bytes);
  // What is only told to people is not worth an error.
  png_set_crc_action(reader.png, PNG_CRC_DEFAULT, PNG_CRC_WARN_DISCARD);
  png_set_user_limits(reader.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_read_info(reader.png, reader.info);
  png_get_IHDR(reader.png, reader.info, &reader.width, &reader.height, &reader.bits, &reader.colours, nullptr, nullptr,
               nullptr);
  return true;
}

// Rows of 8-bit RGB; of 16-bit grey as it is, big-endian.
bool read_rows(Reader& reader, png_bytepp rows) {
  if (setjmp(png_jmpbuf(reader.png))) return false;
  if (!reader.wide_grey()) {
    if (reader.bits == 16) png_set_strip_16(reader.png);
    if (reader.colours == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(reader.png);
    if (reader.colours == PNG_COLOR_TYPE_GRAY && reader.bits < 8) png_set_expand_gray_1_2_4_to_8(reader.png);
    if (!(reader.colours & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(reader.png);
    png_set_strip_alpha(reader.png);
  }
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  png_read_image(reader.png, rows);
  png_read_end(reader.png, nullptr);
  return true;
}

}  // namespace

Image decode_png(const EncodedImage& file) {
  Reader reader;
  reader.bytes = file.bytes;
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, fail, keep_warning);
  struct Guard {
    Reader& reader;
    ~Guard() { png_destroy_read_struct(&reader.png, &reader.info, nullptr); }
  } guard{reader};
  if (reader.png) reader.info = png_create_info_struct(reader.png);
  if (!reader.info) throw environment_error(file.where, "libpng cannot be started");
  if (!read_header(reader)) throw broken_image(file, "PNG", reader.reason);
  Image image = make_image(file, reader.width, reader.height);
  const bool wide_grey = reader.wide_grey();
  std::vector<std::uint8_t> wide(wide_grey ? image.rgb.size() / 3 * 2 : 0);
  std::vector<std::uint8_t*> rows;
  const std::size_t row_bytes = std::size_t{reader.width} * (wide_grey ? 2 : 3);
  for (std::size_t y = 0; y < reader.height; ++y) rows.push_back((wide_grey ? wide : image.rgb).data() + y * row_bytes);
  if (!read_rows(reader, rows.data())) throw broken_image(file, "PNG", reader.reason);
  if (wide_grey) {
    for (std::size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = wide[i / 3 * 2] > 0 ? 255 : wide[i / 3 * 2 + 1];
    if (std::any_of(wide.begin(), wide.end(),
                    [i = std::size_t{0}](std::uint8_t byte) mutable { return i++ % 2 == 0 && byte > 0; }))
      tell_clipped(file);
  }
  if (reader.warning[0] != '\0') warn(file.where, std::string("libpng: ") + reader.warning);
  return image;
}

}  // namespace fewstep
