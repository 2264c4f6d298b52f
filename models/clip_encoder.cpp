#include "models/clip_encoder.h"

#include <fmt/format.h>

#include <utility>

namespace fewstep {
namespace {

ClipLayer take_layer(Weights& weights, const std::string& name, const ClipTowerConfig& config) {
  const auto hidden = config.hidden_size, inner = config.intermediate_size;
  const std::string attention = name + ".self_attn.";
  return {take_layer_norm(weights, name + ".layer_norm1", hidden, config.layer_norm_eps),
          take_layer_norm(weights, name + ".layer_norm2", hidden, config.layer_norm_eps),
          take_linear(weights, attention + "q_proj", hidden, hidden),
          take_linear(weights, attention + "k_proj", hidden, hidden),
          take_linear(weights, attention + "v_proj", hidden, hidden),
          take_linear(weights, attention + "out_proj", hidden, hidden),
          take_linear(weights, name + ".mlp.fc1", hidden, inner),
          take_linear(weights, name + ".mlp.fc2", inner, hidden)};
}

}  // namespace

ClipEncoder take_clip_encoder(Weights& weights, const std::string& name, const ClipTowerConfig& config) {
  ClipEncoder encoder{{}, config.heads, parse_activation(config.hidden_act, weights.where())};
  for (std::int64_t i = 0; i < config.layers; ++i) {
    encoder.layers.push_back(take_layer(weights, fmt::format("{}.layers.{}", name, i), config));
  }
  return encoder;
}

Tensor forward(const ClipEncoder& encoder, Tensor x, bool causal) {
  for (const ClipLayer& layer : encoder.layers) {
    const Tensor normed = normalize(layer.norm1, x);
    const Tensor mixed =
        attention(linear(layer.q, normed), linear(layer.k, normed), linear(layer.v, normed), encoder.heads, causal);
    x = linear(layer.out, mixed, x);
    x = linear(layer.fc2, encoder.activation(linear(layer.fc1, normalize(layer.norm2, x))), x);
  }
  return x;
}

}  // namespace fewstep
