#pragma once
#include "store/read_samples.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace fewstep {

// A PNG as a page holds it.
struct EmbeddedImage {
  std::int64_t width = 0, height = 0;  // pixels
  std::string base64;
};

// Kept images of a store, each once, within a limit of bytes. Files come from strangers: one that lies outside the
// store's folder, is missing, is no whole PNG or is larger than any of ours is told in its place, never an error.
class EmbeddedImages {
 public:
  EmbeddedImages(Store& store, std::size_t max_base64_bytes) : store_(store), left_(max_base64_bytes) {}

  // Where the image is in images(), or why it is not there: "not kept", "image file is missing" …
  struct Place {
    int index = -1;
    std::string instead;
  };
  Place add(const StoredSample& sample);
  // All or none: false, and nothing is added, when they do not fit.
  bool add_all(const std::vector<StoredSample>& samples, std::vector<Place>& places);

  const std::vector<EmbeddedImage>& images() const { return images_; }

 private:
  struct Loaded {
    EmbeddedImage image;
    std::string instead;  // empty when image is there
  };
  const Loaded& load(const StoredSample& sample);

  Store& store_;
  std::size_t left_;
  std::map<std::string, Loaded> loaded_;  // by path
  std::map<std::string, int> index_;      // by path
  std::vector<EmbeddedImage> images_;
};

}  // namespace fewstep
