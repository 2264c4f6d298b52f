#include "images/decoders.h"

#include <memory>

#include <webp/demux.h>

namespace fewstep {

Image decode_webp(const EncodedImage& file) {
  WebPAnimDecoderOptions options;
  WebPAnimDecoderOptionsInit(&options);
  options.color_mode = MODE_RGBA;
  const WebPData data{reinterpret_cast<const std::uint8_t*>(file.bytes.data()), file.bytes.size()};
  // The sizes of a stream's header come before the decoder makes room for a frame.
  WebPDemuxState state;
  const std::unique_ptr<WebPDemuxer, void (*)(WebPDemuxer*)> demuxer(WebPDemuxPartial(&data, &state), WebPDemuxDelete);
  if (!demuxer) throw broken_image(file, "WebP");
  Image image = make_image(file, WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH),
                           WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT));
  if (state != WEBP_DEMUX_DONE) throw broken_image(file, "WebP", "it ends too early");
  const std::unique_ptr<WebPAnimDecoder, void (*)(WebPAnimDecoder*)> decoder(WebPAnimDecoderNew(&data, &options),
                                                                             WebPAnimDecoderDelete);
  std::uint8_t* frame = nullptr;
  int time = 0;
  if (!decoder || !WebPAnimDecoderGetNext(decoder.get(), &frame, &time)) throw broken_image(file, "WebP");
  for (std::size_t i = 0; i < image.rgb.size(); ++i) image.rgb[i] = frame[i / 3 * 4 + i % 3];
  return image;
}

}  // namespace fewstep
