#include "distill/image_data.h"

#include "core/error.h"
#include "images/resize.h"

#include <fmt/format.h>

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

void check_resolution(const Recipe& recipe, const VaeConfig& config) {
  if (recipe.data.resolution % config.downscale() == 0) return;
  throw usage_error(recipe.file.string(), fmt::format("expected a resolution that the VAE divides by {}, got {}",
                                                      config.downscale(), recipe.data.resolution));
}

}  // namespace fewstep
