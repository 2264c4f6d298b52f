#include "core/warnings.h"
#include "images/decoders.h"

#include <fmt/format.h>

#include <csetjmp>
#include <cstdio>
#include <vector>

#include <jerror.h>
#include <jpeglib.h>

namespace fewstep {
namespace {

// libjpeg leaves a failed call by longjmp, which runs no destructors: what needs one lives in decode_jpeg, outside.
struct Reader {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  std::jmp_buf failed;
  char reason[JMSG_LENGTH_MAX] = "";
  char warning[JMSG_LENGTH_MAX] = "";  // the first one
  bool ended_early = false;
};

[[noreturn]] void fail(j_common_ptr info) {
  Reader& reader = *static_cast<Reader*>(info->client_data);
  info->err->format_message(info, reader.reason);
  std::longjmp(reader.failed, 1);
}

void keep_warning(j_common_ptr info, int level) {
  Reader& reader = *static_cast<Reader*>(info->client_data);
  if (level >= 0) return;  // a trace
  if (info->err->msg_code == JWRN_JPEG_EOF) reader.ended_early = true;
  if (reader.warning[0] == '\0') info->err->format_message(info, reader.warning);
}

// False where libjpeg failed.
bool read_header(Reader& reader, std::string_view bytes) {
  if (setjmp(reader.failed)) return false;
  jpeg_create_decompress(&reader.jpeg);
  jpeg_mem_src(&reader.jpeg, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&reader.jpeg, TRUE);
  if (reader.jpeg.num_components == 4) reader.jpeg.out_color_space = JCS_CMYK;
  if (reader.jpeg.num_components == 3) reader.jpeg.out_color_space = JCS_RGB;
  return true;
}

// The file's samples, row by row: 1, 3 or 4 a pixel.
bool read_rows(Reader& reader, std::uint8_t* samples) {
  if (setjmp(reader.failed)) return false;
  jpeg_start_decompress(&reader.jpeg);
  const std::size_t row_bytes = static_cast<std::size_t>(reader.jpeg.output_width) * reader.jpeg.output_components;
  while (reader.jpeg.output_scanline < reader.jpeg.output_height) {
    JSAMPROW row = samples + reader.jpeg.output_scanline * row_bytes;
    jpeg_read_scanlines(&reader.jpeg, &row, 1);
  }
  jpeg_finish_decompress(&reader.jpeg);
  return true;
}

// Pillow takes CMYK as Adobe writes it, inverted, whatever the file says.
void rgb_of_cmyk(const std::vector<std::uint8_t>& samples, std::vector<std::uint8_t>& rgb) {
  for (std::size_t i = 0; i < rgb.size(); ++i) {
    const std::uint8_t* pixel = &samples[i / 3 * 4];
    rgb[i] = without_ink(255 - pixel[i % 3], 255 - pixel[3]);
  }
}

}  // namespace

Image decode_jpeg(const EncodedImage& file) {
  Reader reader;
  reader.jpeg.err = jpeg_std_error(&reader.errors);
  reader.jpeg.client_data = &reader;
  reader.errors.error_exit = fail;
  reader.errors.emit_message = keep_warning;
  struct Guard {
    jpeg_decompress_struct& jpeg;
    ~Guard() { jpeg_destroy_decompress(&jpeg); }
  } guard{reader.jpeg};
  if (!read_header(reader, file.bytes)) throw broken_image(file, "JPEG", reader.reason);
  const int components = reader.jpeg.num_components;
  if (components != 1 && components != 3 && components != 4)
    throw broken_image(file, "JPEG", fmt::format("{} components, not 1, 3 or 4", components));
  Image image = make_image(file, reader.jpeg.image_width, reader.jpeg.image_height);
  const std::size_t pixels = image.rgb.size() / 3;
  std::vector<std::uint8_t> samples(components == 3 ? 0 : pixels * static_cast<std::size_t>(components));
  if (!read_rows(reader, components == 3 ? image.rgb.data() : samples.data()))
    throw broken_image(file, "JPEG", reader.reason);
  // libjpeg would fill the rest with grey.
  if (reader.ended_early) throw broken_image(file, "JPEG", "it ends too early");
  if (components == 4) rgb_of_cmyk(samples, image.rgb);
  if (components == 1)
    for (std::size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = samples[i / 3];
  if (reader.warning[0] != '\0') warn(file.where, std::string("libjpeg: ") + reader.warning);
  return image;
}

}  // namespace fewstep
