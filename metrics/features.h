#pragma once
#include "core/image.h"
#include "core/tensor.h"

#include <string_view>

namespace fewstep {

// How an image becomes what Inception-v3 sees. Tools differ in this alone, and their numbers with it.
struct FeatureProtocol {
  std::string_view name, source;
  Tensor (*prepare)(const Image& image);  // [1,3,299,299] float32 on the CPU
};

const FeatureProtocol& find_feature_protocol(std::string_view name);  // throws Error (kUsage)

}  // namespace fewstep
