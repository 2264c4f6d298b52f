#include "metrics/fid.h"

#include "metrics/features.h"
#include "models/inception.h"

#include <memory>
#include <vector>

namespace fewstep {
namespace {

constexpr std::int64_t kFeatures = 2048;

}  // namespace

std::span<const std::string_view> fid_protocols() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> list;
    for (const FeatureProtocol& protocol : feature_protocols()) list.push_back(protocol.name);
    return list;
  }();
  return names;
}

Measure open_fid(const MetricSettings& settings, const Compute& compute) {
  const FeatureProtocol& protocol = find_feature_protocol(settings.protocol);
  const auto network = std::make_shared<const Inception>(load_inception(settings.weights, compute));
  return {kFeatures, network->hash,
          [&protocol, network](std::span<const Image> images, std::span<const std::string>) -> Tensor {
            return features(*network, prepare(protocol, images)).cpu();
          }};
}

}  // namespace fewstep
