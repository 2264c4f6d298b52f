#pragma once
#include "core/image.h"
#include "datasets/image_query.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace fewstep {

struct CaptionedImage {
  Image image;
  std::string caption;
};

// A data set for training: image and caption by number, in any order, from any thread.
struct CaptionedImages {
  std::int64_t count = 0;
  // SHA-256 over the images' names and sizes in bytes and the captions, in their order: the same samples have the same
  // one wherever they lie. Pixels are not read for it.
  std::string identity;
  // What was taken, for people: "t.csv: 5 captions from column "text", the first: …". Empty for scenes.
  std::string text;
  // index: 0 … count−1. Throws Error (kInput) naming file or shard and entry where an image cannot be decoded.
  std::function<CaptionedImage(std::int64_t index)> at;
};

// A folder's images in the order of the caption file, which names each once ("below/a.png"); a .tar's in its own order.
// Captions are read now, images when they are asked for; of images that cannot be decoded another stands in. Samples
// without an image or a caption are left out. Throws Error: kUsage for options that do not fit; kInput for a missing or
// broken file, a name that is there twice, fewer samples than count, and too many that cannot be used.
CaptionedImages open_captioned_images(const ImageQuery& query);

}  // namespace fewstep
