#include "models/config.h"
#include "models/feature_net.h"

#include "core/error.h"

#include <fmt/format.h>

namespace fewstep {
namespace {

constexpr const char* kClass = "FewstepFeatureNet";

}  // namespace

FeatureNetConfig read_feature_net_config(const std::filesystem::path& config_json) {
  Config config = Config::read(config_json);
  config.text("_class_name");  // required
  config.only("_class_name", kClass);
  FeatureNetConfig net;
  net.image_size = config.integer("image_size");
  net.channels = config.integers("channels");
  net.strides = config.integers("strides");
  net.norm_num_groups = config.integer("norm_num_groups");
  net.features = config.integer("features");
  net.heads = config.integers_by_name("heads");
  if (net.strides.size() != net.channels.size()) {
    throw input_error(config.where(), fmt::format("expected a stride for each of {} channels, got {}",
                                                  net.channels.size(), net.strides.size()));
  }
  config.finish();
  return net;
}

nlohmann::json feature_net_json(const FeatureNetConfig& config) {
  return {{"_class_name", kClass},     {"image_size", config.image_size},           {"channels", config.channels},
          {"strides", config.strides}, {"norm_num_groups", config.norm_num_groups}, {"features", config.features},
          {"heads", config.heads}};
}

}  // namespace fewstep
