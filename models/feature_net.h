#pragma once
#include "core/tensor.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace fewstep {

// A small convolutional network whose features a Fréchet distance is taken over, and what it was trained to tell:
// 3×3 convolutions, each with group norm and SiLU, a linear layer to the features, SiLU, a linear layer for each head.
// config.json holds these numbers under these names, with _class_name FewstepFeatureNet.
struct FeatureNetConfig {
  std::int64_t image_size = 32, norm_num_groups = 8, features = 64;
  std::vector<std::int64_t> channels, strides;  // of each convolution
  std::map<std::string, std::int64_t> heads;    // outputs of each; may be empty
};
FeatureNetConfig read_feature_net_config(const std::filesystem::path& config_json);  // throws Error (kInput)
nlohmann::json feature_net_json(const FeatureNetConfig& config);

struct FeatureNetWeights;
struct FeatureNet {
  FeatureNetConfig config;
  std::shared_ptr<const FeatureNetWeights> weights;
  Compute compute;
};
// folder holds config.json and model.safetensors (or its index.json, or the .fp16 variant).
FeatureNet load_feature_net(const std::filesystem::path& folder, const Compute& compute);
// Makes the network of tensors in memory: convs.I, norms.I, fc and heads.NAME, each with .weight and .bias (tests,
// training).
FeatureNet make_feature_net(const FeatureNetConfig& config, std::map<std::string, Tensor> tensors,
                            const Compute& compute);

// Untrained tensors of a network of this configuration, by name (Weights::fresh).
std::map<std::string, Tensor> fresh_feature_net(const FeatureNetConfig& config, std::uint64_t seed);

// images [B,3,S,S] in −1..1, S = image_size → [B,features]. Throws Error (kInput) for another size.
Tensor features(const FeatureNet& net, const Tensor& images);
// The same images → the outputs of each head [B,size], before any softmax or sigmoid.
std::map<std::string, Tensor> head_logits(const FeatureNet& net, const Tensor& images);

}  // namespace fewstep
