#pragma once
#include "core/tensor.h"
#include "datasets/captioned_images.h"
#include "models/vae.h"
#include "settings/recipe.h"

#include <ATen/core/Generator.h>

#include <span>
#include <string>
#include <vector>

namespace fewstep {

// Images of one size, and their captions, of some rows of a data set; from_images makes a tensor of them.
struct ImageBatch {
  std::vector<Image> images;
  std::vector<std::string> captions;
};
// Every image as square_image (images/resize.h) makes it of this size.
ImageBatch read_batch(const CaptionedImages& data, std::span<const std::int64_t> rows, int resolution);

// The VAE halves images to the end. Throws Error (kUsage).
void check_resolution(const Recipe& recipe, const VaeConfig& config);

}  // namespace fewstep
