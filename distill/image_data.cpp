#include "distill/image_data.h"

#include "metrics/resize.h"

#include <algorithm>

namespace fewstep {

Image square_image(const Image& image, int size) {
  if (image.height == size && image.width == size) return image;
  const int side = std::min(image.height, image.width);
  return resize_pil(center_crop(image, side, side), size, size, PilFilter::kBicubic);
}

ImageBatch read_batch(const CaptionedImages& data, std::span<const std::int64_t> rows, int resolution) {
  ImageBatch batch;
  for (const auto row : rows) {
    CaptionedImage example = data.at(row);
    batch.images.push_back(square_image(example.image, resolution));
    batch.captions.push_back(std::move(example.caption));
  }
  return batch;
}

}  // namespace fewstep
