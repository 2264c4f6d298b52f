#include "core/warnings.h"
#include "images/decoders.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include <tiffio.h>

namespace fewstep {
namespace {

struct Source {
  std::string_view bytes;
  toff_t at = 0;
  std::string error, warning;  // the first of each
};

tmsize_t take(thandle_t handle, void* to, tmsize_t count) {
  Source& source = *static_cast<Source*>(handle);
  const auto size = static_cast<toff_t>(source.bytes.size());
  const toff_t left = source.at < size ? size - source.at : 0;
  const auto taken = std::min(static_cast<toff_t>(count), left);
  std::memcpy(to, source.bytes.data() + (left ? source.at : 0), taken);
  source.at += taken;
  return static_cast<tmsize_t>(taken);
}
tmsize_t refuse_write(thandle_t, void*, tmsize_t) { return 0; }
toff_t seek(thandle_t handle, toff_t offset, int from) {
  Source& source = *static_cast<Source*>(handle);
  const toff_t base = from == SEEK_CUR ? source.at : from == SEEK_END ? source.bytes.size() : 0;
  return source.at = base + offset;
}
int close_nothing(thandle_t) { return 0; }
toff_t size_of_source(thandle_t handle) { return static_cast<Source*>(handle)->bytes.size(); }

int keep(std::string& place, const char* format, va_list values) {
  char text[300];
  std::vsnprintf(text, sizeof text, format, values);
  if (place.empty()) place = text;
  return 1;
}
int keep_error(TIFF*, void* source, const char*, const char* format, va_list values) {
  return keep(static_cast<Source*>(source)->error, format, values);
}
int keep_warning(TIFF*, void* source, const char*, const char* format, va_list values) {
  return keep(static_cast<Source*>(source)->warning, format, values);
}

// What the first directory says about its pixels.
struct Layout {
  std::uint32_t width = 0, height = 0;
  std::uint16_t bits = 1, samples = 1, photometric = 0, format = SAMPLEFORMAT_UINT, planes = PLANARCONFIG_CONTIG,
                compression = COMPRESSION_NONE, orientation = ORIENTATION_TOPLEFT;
  bool premultiplied = false;
};

// Pillow turns a TIFF by its orientation, and no other format.
Image turned(Image image, std::uint16_t orientation) {
  if (orientation < 2 || orientation > 8) return image;
  const bool swapped = orientation >= 5;
  Image out{swapped ? image.width : image.height, swapped ? image.height : image.width, image.rgb};
  const bool right_to_left = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool upwards = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      int from_x = swapped ? y : x, from_y = swapped ? x : y;
      if (right_to_left) from_x = image.width - 1 - from_x;
      if (upwards) from_y = image.height - 1 - from_y;
      std::copy_n(&image.rgb[(static_cast<std::size_t>(from_y) * image.width + from_x) * 3], 3,
                  &out.rgb[(static_cast<std::size_t>(y) * out.width + x) * 3]);
    }
  }
  return out;
}

class Picture {
 public:
  Picture(TIFF* tiff, const EncodedImage& file) : tiff_(tiff), file_(file) {
    field(TIFFTAG_IMAGEWIDTH, layout_.width);
    field(TIFFTAG_IMAGELENGTH, layout_.height);
    field(TIFFTAG_BITSPERSAMPLE, layout_.bits);
    field(TIFFTAG_SAMPLESPERPIXEL, layout_.samples);
    field(TIFFTAG_PHOTOMETRIC, layout_.photometric);
    field(TIFFTAG_SAMPLEFORMAT, layout_.format);
    field(TIFFTAG_PLANARCONFIG, layout_.planes);
    field(TIFFTAG_COMPRESSION, layout_.compression);
    field(TIFFTAG_ORIENTATION, layout_.orientation);
    std::uint16_t extras = 0, *kinds = nullptr;
    if (TIFFGetField(tiff_, TIFFTAG_EXTRASAMPLES, &extras, &kinds))
      layout_.premultiplied = extras > 0 && kinds[0] == EXTRASAMPLE_ASSOCALPHA;
    if (layout_.photometric == PHOTOMETRIC_YCBCR && layout_.compression == COMPRESSION_JPEG) {
      TIFFSetField(tiff_, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
      layout_.photometric = PHOTOMETRIC_RGB;
    }
  }

  Image decode() {
    check();
    image_ = make_image(file_, layout_.width, layout_.height);
    read_planes();
    fill();
    return turned(std::move(image_), layout_.orientation);
  }

 private:
  template <typename Number>
  void field(std::uint32_t tag, Number& value) const {
    TIFFGetFieldDefaulted(tiff_, tag, &value);
  }
  Error unsupported(const std::string& what) const {
    return input_error(file_.where, "expected a TIFF of grey, palette, RGB or CMYK, got " + what +
                                        "; convert it, for example: convert IN.tif OUT.png");
  }

  void check() const {
    const auto is_one_of = [](int value, std::initializer_list<int> list) {
      return std::find(list.begin(), list.end(), value) != list.end();
    };
    const Layout& l = layout_;
    const int needed = l.photometric == PHOTOMETRIC_RGB ? 3 : l.photometric == PHOTOMETRIC_SEPARATED ? 4 : 1;
    if (!is_one_of(l.photometric, {PHOTOMETRIC_MINISWHITE, PHOTOMETRIC_MINISBLACK, PHOTOMETRIC_RGB, PHOTOMETRIC_PALETTE,
                                   PHOTOMETRIC_SEPARATED}))
      throw unsupported(fmt::format("photometric interpretation {}", l.photometric));
    const bool grey = l.photometric <= PHOTOMETRIC_MINISBLACK;
    const bool known = l.format == SAMPLEFORMAT_UINT  ? is_one_of(l.bits, {1, 2, 4, 8, 16}) || (grey && l.bits == 32)
                       : l.format == SAMPLEFORMAT_INT ? grey && is_one_of(l.bits, {16, 32})
                                                      : l.format == SAMPLEFORMAT_IEEEFP && grey && l.bits == 32;
    const bool deep = l.bits < 8 && !grey && l.photometric != PHOTOMETRIC_PALETTE;
    if (!known || deep || (l.photometric == PHOTOMETRIC_PALETTE && l.bits > 8))
      throw unsupported(fmt::format("{} bits of sample format {}", l.bits, l.format));
    if (l.samples < needed || l.samples > 8) throw unsupported(fmt::format("{} samples a pixel", l.samples));
  }

  // Rows of each plane as the file packs them, one plane where the samples of a pixel lie together.
  void read_planes() {
    const bool apart = layout_.planes == PLANARCONFIG_SEPARATE;
    per_plane_ = apart ? 1 : layout_.samples;
    row_bytes_ = (std::size_t{layout_.width} * per_plane_ * layout_.bits + 7) / 8;
    // The header of a few bytes may ask for 32 bits of 8 samples.
    const std::uint64_t bytes = std::uint64_t{row_bytes_} * layout_.height * (apart ? layout_.samples : 1);
    if (bytes > 4 * static_cast<std::uint64_t>(file_.max_pixels))
      throw broken_image(file_, "TIFF", fmt::format("{} bytes of pixels", bytes));
    planes_.assign(apart ? layout_.samples : 1, std::vector<std::uint8_t>(row_bytes_ * layout_.height));
    for (std::size_t plane = 0; plane < planes_.size(); ++plane)
      TIFFIsTiled(tiff_) ? read_tiles(static_cast<std::uint16_t>(plane))
                         : read_strips(static_cast<std::uint16_t>(plane));
  }

  void read_strips(std::uint16_t plane) {
    if (static_cast<std::size_t>(TIFFScanlineSize(tiff_)) < row_bytes_) throw broken_image(file_, "TIFF", "short rows");
    std::vector<std::uint8_t> row(static_cast<std::size_t>(TIFFScanlineSize(tiff_)));
    for (std::uint32_t y = 0; y < layout_.height; ++y) {
      if (TIFFReadScanline(tiff_, row.data(), y, plane) < 0) throw broken_image(file_, "TIFF", "a row is missing");
      std::copy_n(row.begin(), row_bytes_, &planes_[plane][y * row_bytes_]);
    }
  }

  void read_tiles(std::uint16_t plane) {
    std::uint32_t width = 0, height = 0;
    TIFFGetField(tiff_, TIFFTAG_TILEWIDTH, &width);
    TIFFGetField(tiff_, TIFFTAG_TILELENGTH, &height);
    const tmsize_t bytes = TIFFTileSize(tiff_), tile_row = TIFFTileRowSize(tiff_);
    if (width == 0 || height == 0 || bytes <= 0 || tile_row <= 0 || width * per_plane_ * layout_.bits % 8 != 0 ||
        static_cast<std::uint64_t>(bytes) > (std::uint64_t{64} << 20) + 4 * planes_[plane].size())
      throw broken_image(file_, "TIFF", "tiles of an absurd size");
    std::vector<std::uint8_t> tile(static_cast<std::size_t>(bytes));
    for (std::uint32_t y = 0; y < layout_.height; y += height) {
      for (std::uint32_t x = 0; x < layout_.width; x += width) {
        if (TIFFReadTile(tiff_, tile.data(), x, y, 0, plane) < 0)
          throw broken_image(file_, "TIFF", "a tile is missing");
        const std::size_t first = std::size_t{x} * per_plane_ * layout_.bits / 8;
        const std::size_t count = std::min<std::size_t>(static_cast<std::size_t>(tile_row), row_bytes_ - first);
        for (std::uint32_t row = 0; row < std::min(height, layout_.height - y); ++row)
          std::copy_n(&tile[row * static_cast<std::size_t>(tile_row)], count,
                      &planes_[plane][(y + row) * row_bytes_ + first]);
      }
    }
  }

  // A sample's bits as they stand in the file.
  std::uint32_t sample(std::uint32_t x, std::uint32_t y, unsigned index) const {
    const bool apart = planes_.size() > 1;
    const std::uint8_t* row = &planes_[apart ? index : 0][y * row_bytes_];
    const std::size_t at = std::size_t{x} * per_plane_ + (apart ? 0 : index);
    if (layout_.bits < 8) {
      const std::size_t bit = at * layout_.bits;
      return row[bit / 8] >> (8 - layout_.bits - bit % 8) & ((1u << layout_.bits) - 1);
    }
    if (layout_.bits == 8) return row[at];
    if (layout_.bits == 16) {
      std::uint16_t value;
      std::memcpy(&value, row + at * 2, 2);
      return value;
    }
    std::uint32_t value;
    std::memcpy(&value, row + at * 4, 4);
    return value;
  }

  std::uint8_t grey_of(std::uint32_t value) {
    if (layout_.bits <= 8) {
      const std::uint32_t level = value * 255 / ((1u << layout_.bits) - 1);
      return static_cast<std::uint8_t>(layout_.photometric == PHOTOMETRIC_MINISWHITE ? 255 - level : level);
    }
    double level = value;
    if (layout_.format == SAMPLEFORMAT_IEEEFP) level = std::bit_cast<float>(value);
    if (layout_.bits == 32 && layout_.format != SAMPLEFORMAT_IEEEFP) level = static_cast<std::int32_t>(value);
    if (layout_.bits == 16 && layout_.format == SAMPLEFORMAT_INT) level = static_cast<std::int16_t>(value);
    clipped_ = clipped_ || level > 255 || level < 0;
    return static_cast<std::uint8_t>(level > 0 ? std::min(level, 255.0) : 0);  // a NaN is 0
  }

  std::uint8_t colour(std::uint32_t x, std::uint32_t y, unsigned index) const {
    const std::uint32_t value = sample(x, y, index);
    return static_cast<std::uint8_t>(layout_.bits == 16 ? value >> 8 : value);
  }

  void fill() {
    std::uint16_t *red = nullptr, *green = nullptr, *blue = nullptr;
    const bool palette = layout_.photometric == PHOTOMETRIC_PALETTE;
    if (palette && !TIFFGetField(tiff_, TIFFTAG_COLORMAP, &red, &green, &blue))
      throw broken_image(file_, "TIFF", "it has no palette");
    std::uint8_t* out = image_.rgb.data();
    for (std::uint32_t y = 0; y < layout_.height; ++y) {
      for (std::uint32_t x = 0; x < layout_.width; ++x, out += 3) {
        if (palette) {
          const std::uint32_t index = sample(x, y, 0);
          out[0] = static_cast<std::uint8_t>(red[index] >> 8);
          out[1] = static_cast<std::uint8_t>(green[index] >> 8);
          out[2] = static_cast<std::uint8_t>(blue[index] >> 8);
        } else if (layout_.photometric == PHOTOMETRIC_RGB) {
          fill_rgb(out, x, y);
        } else if (layout_.photometric == PHOTOMETRIC_SEPARATED) {
          for (unsigned c = 0; c < 3; ++c) out[c] = without_ink(colour(x, y, c), colour(x, y, 3));
        } else {
          out[0] = out[1] = out[2] = grey_of(sample(x, y, 0));
        }
      }
    }
    if (clipped_) tell_clipped(file_);
  }

  void fill_rgb(std::uint8_t* out, std::uint32_t x, std::uint32_t y) const {
    const int alpha = layout_.premultiplied && layout_.samples > 3 ? colour(x, y, 3) : 255;
    for (unsigned c = 0; c < 3; ++c) {
      const int value = colour(x, y, c);
      out[c] = static_cast<std::uint8_t>(alpha == 0 ? 0 : std::min(255, 255 * value / alpha));
    }
  }

  TIFF* tiff_;
  const EncodedImage& file_;
  Layout layout_;
  Image image_;
  std::vector<std::vector<std::uint8_t>> planes_;
  std::size_t row_bytes_ = 0, per_plane_ = 1;
  bool clipped_ = false;
};

}  // namespace

Image decode_tiff(const EncodedImage& file) {
  Source source{file.bytes, 0, "", ""};
  const std::unique_ptr<TIFFOpenOptions, void (*)(TIFFOpenOptions*)> options(TIFFOpenOptionsAlloc(),
                                                                             TIFFOpenOptionsFree);
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), keep_error, &source);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), keep_warning, &source);
  const std::unique_ptr<TIFF, void (*)(TIFF*)> tiff(
      TIFFClientOpenExt("image", "rm", &source, take, refuse_write, seek, close_nothing, size_of_source, nullptr,
                        nullptr, options.get()),
      TIFFClose);
  if (!tiff) throw broken_image(file, "TIFF", source.error);
  try {
    Image image = Picture(tiff.get(), file).decode();
    if (!source.warning.empty()) warn(file.where, "libtiff: " + source.warning);
    return image;
  } catch (const Error& error) {
    // What the library says is the better reason.
    if (source.error.empty()) throw;
    throw broken_image(file, "TIFF", source.error);
  }
}

}  // namespace fewstep
