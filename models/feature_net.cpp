#include "models/feature_net.h"

#include "core/error.h"
#include "models/checkpoint_files.h"
#include "models/layers.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/silu.h>

#include <sstream>
#include <utility>

namespace fewstep {
namespace {

constexpr double kEps = 1e-5;  // of every group norm

struct ConvLayer {
  Conv2d conv;
  Norm norm;
};

}  // namespace

struct FeatureNetWeights {
  std::vector<ConvLayer> layers;
  Linear fc;
  std::map<std::string, Linear> heads;
};

namespace {

FeatureNetWeights take_feature_net(Weights& weights, const FeatureNetConfig& config) {
  FeatureNetWeights net;
  std::int64_t in = 3, side = config.image_size;
  for (std::size_t i = 0; i < config.channels.size(); ++i) {
    const std::int64_t out = config.channels[i], stride = config.strides[i];
    const std::string number = std::to_string(i);
    net.layers.push_back({take_conv(weights, "convs." + number, in, out, 3, stride),
                          take_group_norm(weights, "norms." + number, config.norm_num_groups, out, kEps)});
    in = out;
    side = (side - 1) / stride + 1;
  }
  net.fc = take_linear(weights, "fc", in * side * side, config.features);
  for (const auto& [name, size] : config.heads)
    net.heads.emplace(name, take_linear(weights, "heads." + name, config.features, size));
  weights.expect_all_taken();
  return net;
}

void check_images(const Tensor& images, std::int64_t size) {
  if (images.dim() == 4 && images.size(0) > 0 && images.sizes().slice(1) == at::IntArrayRef{3, size, size}) return;
  std::ostringstream shape;
  shape << images.sizes();
  const std::string side = std::to_string(size);
  throw input_error("feature network", "expected images [B,3," + side + "," + side + "], got " + shape.str());
}

}  // namespace

FeatureNet make_feature_net(const FeatureNetConfig& config, std::map<std::string, Tensor> tensors,
                            const Compute& compute) {
  for (auto& [name, tensor] : tensors) tensor = tensor.to(compute.device, compute.dtype);
  Weights weights = Weights::of(std::move(tensors), "feature network");
  return {config, std::make_shared<const FeatureNetWeights>(take_feature_net(weights, config)), compute};
}

FeatureNet load_feature_net(const std::filesystem::path& folder, const Compute& compute) {
  const FeatureNetConfig config = read_feature_net_config(folder / "config.json");
  Weights weights = Weights::open(find_weights(folder, "model"), compute);
  return {config, std::make_shared<const FeatureNetWeights>(take_feature_net(weights, config)), compute};
}

std::map<std::string, Tensor> fresh_feature_net(const FeatureNetConfig& config, std::uint64_t seed) {
  std::map<std::string, Tensor> made;
  Weights weights = Weights::fresh(seed, made);
  take_feature_net(weights, config);
  return made;
}

Tensor features(const FeatureNet& net, const Tensor& images) {
  check_images(images, net.config.image_size);
  Tensor x = images.to(net.compute.device, net.compute.dtype).contiguous(at::MemoryFormat::ChannelsLast);
  for (const auto& [conv, norm] : net.weights->layers) x = group_norm_silu(norm, conv2d(conv, x));
  return linear(net.weights->fc, x.flatten(1));
}

std::map<std::string, Tensor> head_logits(const FeatureNet& net, const Tensor& images) {
  const Tensor hidden = at::silu(features(net, images));
  std::map<std::string, Tensor> logits;
  for (const auto& [name, head] : net.weights->heads) logits.emplace(name, linear(head, hidden));
  return logits;
}

}  // namespace fewstep
