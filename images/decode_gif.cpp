#include "images/decoders.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include <gif_lib.h>

namespace fewstep {
namespace {

int take(GifFileType* gif, GifByteType* to, int count) {
  std::string_view& rest = *static_cast<std::string_view*>(gif->UserData);
  const std::size_t taken = std::min(rest.size(), static_cast<std::size_t>(count));
  std::memcpy(to, rest.data(), taken);
  rest.remove_prefix(taken);
  return static_cast<int>(taken);
}

void close(GifFileType* gif) { DGifCloseFile(gif, nullptr); }

struct Frame {
  int left = 0, top = 0, width = 0, height = 0, transparent = -1;
  const ColorMapObject* colours = nullptr;
  std::vector<std::uint8_t> indices;
};

// Up to the first picture; its extension may name a transparent colour.
Frame read_first_frame(GifFileType* gif, const EncodedImage& file) {
  Frame frame;
  while (true) {
    GifRecordType kind;
    if (DGifGetRecordType(gif, &kind) == GIF_ERROR) throw broken_image(file, "GIF", "it has no picture");
    if (kind == TERMINATE_RECORD_TYPE) throw broken_image(file, "GIF", "it has no picture");
    if (kind == IMAGE_DESC_RECORD_TYPE) break;
    GifByteType* block = nullptr;
    int code = 0;
    if (DGifGetExtension(gif, &code, &block) == GIF_ERROR) throw broken_image(file, "GIF");
    while (block) {
      GraphicsControlBlock control;
      if (code == GRAPHICS_EXT_FUNC_CODE && DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
        frame.transparent = control.TransparentColor;
      if (DGifGetExtensionNext(gif, &block) == GIF_ERROR) throw broken_image(file, "GIF");
    }
  }
  if (DGifGetImageDesc(gif) == GIF_ERROR) throw broken_image(file, "GIF");
  const GifImageDesc& described = gif->Image;
  frame.left = described.Left;
  frame.top = described.Top;
  frame.width = described.Width;
  frame.height = described.Height;
  frame.colours = described.ColorMap ? described.ColorMap : gif->SColorMap;
  make_image(file, frame.width, frame.height);  // for its limits
  frame.indices.resize(static_cast<std::size_t>(frame.width) * static_cast<std::size_t>(frame.height));
  constexpr int kFirst[] = {0, 4, 2, 1}, kEvery[] = {8, 8, 4, 2};  // rows of an interlaced picture
  for (int pass = described.Interlace ? 0 : 3; pass < 4; ++pass) {
    for (int y = described.Interlace ? kFirst[pass] : 0; y < frame.height;
         y += described.Interlace ? kEvery[pass] : 1) {
      if (DGifGetLine(gif, &frame.indices[static_cast<std::size_t>(y) * static_cast<std::size_t>(frame.width)],
                      frame.width) == GIF_ERROR)
        throw broken_image(file, "GIF", "it ends too early");
    }
  }
  return frame;
}

}  // namespace

Image decode_gif(const EncodedImage& file) {
  std::string_view rest = file.bytes;
  int failure = 0;
  const std::unique_ptr<GifFileType, void (*)(GifFileType*)> gif(DGifOpen(&rest, take, &failure), close);
  if (!gif) throw broken_image(file, "GIF");
  const Frame frame = read_first_frame(gif.get(), file);
  // Pillow widens the screen to the frame; what the frame leaves free has the transparent colour, else the first one.
  const int width = std::max(gif->SWidth, frame.left + frame.width),
            height = std::max(gif->SHeight, frame.top + frame.height);
  Image image = make_image(file, width, height);
  const auto put = [&](std::uint8_t* pixel, int index) {
    const bool known = frame.colours && index < frame.colours->ColorCount;
    const GifColorType colour = known ? frame.colours->Colors[index] : GifColorType{};
    pixel[0] = frame.colours ? colour.Red : static_cast<std::uint8_t>(index);
    pixel[1] = frame.colours ? colour.Green : static_cast<std::uint8_t>(index);
    pixel[2] = frame.colours ? colour.Blue : static_cast<std::uint8_t>(index);
  };
  for (std::size_t i = 0; i < image.rgb.size(); i += 3) put(&image.rgb[i], std::max(frame.transparent, 0));
  for (int y = 0; y < frame.height; ++y)
    for (int x = 0; x < frame.width; ++x)
      put(&image.rgb[(static_cast<std::size_t>(frame.top + y) * static_cast<std::size_t>(width) +
                      static_cast<std::size_t>(frame.left + x)) *
                     3],
          frame.indices[static_cast<std::size_t>(y) * static_cast<std::size_t>(frame.width) +
                        static_cast<std::size_t>(x)]);
  return image;
}

}  // namespace fewstep
