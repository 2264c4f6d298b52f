#include "metrics/features.h"
#include "metrics/registry.h"
#include "models/inception.h"

#include <memory>
#include <vector>

namespace fewstep {
namespace {

constexpr std::int64_t kFeatures = 2048;

}  // namespace

// Rows are Inception's 2048 pooled features.
Measure open_fid(const MetricSettings& settings, const Compute& compute) {
  const FeatureProtocol& protocol = find_feature_protocol(without_precision(settings.protocol));
  const auto network = std::make_shared<const Inception>(load_inception(settings.network, compute));
  return {kFeatures, network->hash, protocol.prepare, [network](const Tensor& prepared, std::span<const std::string>) {
            return to_rows(features(*network, prepared));
          }};
}

}  // namespace fewstep
