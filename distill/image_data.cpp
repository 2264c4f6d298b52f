#include "distill/image_data.h"

#include "images/resize.h"

namespace fewstep {

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
