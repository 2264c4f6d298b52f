#include "models/clip_encoder.h"

#include "core/error.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <fmt/format.h>

#include <sstream>

namespace fewstep {

struct ClipVisionWeights {
  Conv2d patches;
  Tensor first, positions;  // class embedding [hidden]; [1 + patches,hidden]
  Norm norm_in, norm_out;
  ClipEncoder encoder;
  Linear projection;
};

ClipVision take_clip_vision(Weights& weights, const ClipTowerConfig& config, const Compute& compute) {
  const std::string prefix = "vision_model.";
  const auto hidden = config.hidden_size, side = config.image_size / config.patch_size;
  weights.ignore(prefix + "embeddings.position_ids");
  ClipVisionWeights tower{
      take_conv(weights, prefix + "embeddings.patch_embedding", config.channels, hidden, config.patch_size,
                config.patch_size, 0, false),
      weights.take(prefix + "embeddings.class_embedding", {hidden}, kEmbedding),
      weights.take(prefix + "embeddings.position_embedding.weight", {1 + side * side, hidden}, kEmbedding),
      take_layer_norm(weights, prefix + "pre_layrnorm", hidden, config.layer_norm_eps),  // the checkpoints' spelling
      take_layer_norm(weights, prefix + "post_layernorm", hidden, config.layer_norm_eps),
      take_clip_encoder(weights, prefix + "encoder", config),
      take_linear(weights, "visual_projection", hidden, config.projection_dim, false)};
  return {config, std::make_shared<const ClipVisionWeights>(std::move(tower)), compute};
}

Tensor image_embedding(const ClipVision& model, const Tensor& pixels) {
  const auto& [config, weights, compute] = model;
  const auto batch = pixels.dim() == 4 ? pixels.size(0) : 0;
  if (batch < 1 || pixels.sizes().slice(1) != at::IntArrayRef{config.channels, config.image_size, config.image_size}) {
    std::ostringstream shape;
    shape << pixels.sizes();
    throw input_error("clip vision", fmt::format("expected pixels [B,{},{},{}], got {}", config.channels,
                                                 config.image_size, config.image_size, shape.str()));
  }
  const Tensor patches = conv2d(weights->patches, pixels.to(compute.device, compute.dtype)).flatten(2).transpose(1, 2);
  const Tensor first = weights->first.expand({batch, 1, config.hidden_size});
  const Tensor x = normalize(weights->norm_in, at::cat({first, patches}, 1) + weights->positions);
  const Tensor states = forward(weights->encoder, x, false);
  return linear(weights->projection, normalize(weights->norm_out, states.select(1, 0)));
}

}  // namespace fewstep
