#pragma once
#include "store/read_samples.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace fewstep {

// A PNG as a page holds it.
struct EmbeddedImage {
  std::int64_t width = 0, height = 0;  // pixels
  std::string base64;
};

// Kept images of stores, each once, within a limit of bytes. Files come from strangers: one that lies outside its
// store's folder, is missing, is no whole PNG or is larger than any of ours is told in its place, never an error.
class EmbeddedImages {
 public:
  explicit EmbeddedImages(std::size_t max_base64_bytes) : left_(max_base64_bytes) {}

  // Where the image is in images(), or why it is not there: "not kept", "image file is missing" …
  struct Place {
    int index = -1;
    std::string instead;
  };
  Place add(Store& store, const StoredSample& sample);
  // All or none: false, and nothing is added, when they do not fit.
  bool add_all(const std::vector<std::pair<Store*, StoredSample>>& samples, std::vector<Place>& places);

  const std::vector<EmbeddedImage>& images() const { return images_; }

 private:
  struct Loaded {
    EmbeddedImage image;
    std::string instead;  // empty when image is there
  };
  const Loaded& load(Store& store, const StoredSample& sample);

  std::size_t left_;
  std::map<std::string, Loaded> loaded_;  // by file
  std::map<std::string, int> index_;      // by file
  std::vector<EmbeddedImage> images_;
};

}  // namespace fewstep
