#include "models/clip_config.h"
#include "models/clip_encoder.h"

#include "core/error.h"
#include "models/checkpoint_files.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/embedding.h>

#include <fmt/format.h>

#include <optional>
#include <sstream>

namespace fewstep {

struct ClipTextWeights {
  Tensor tokens, positions;  // embeddings [vocabulary,hidden], [positions,hidden]
  ClipEncoder encoder;
  Norm norm;
  std::optional<Linear> projection;
};

namespace {

void check_ids(const ClipTowerConfig& config, const Tensor& ids) {
  const bool fits = ids.dim() == 2 && ids.scalar_type() == at::kLong && ids.size(1) >= 1 &&
                    ids.size(1) <= config.positions && ids.size(0) >= 1;
  if (!fits) {
    std::ostringstream shape;
    shape << ids.sizes() << " " << ids.scalar_type();
    throw input_error("clip text",
                      fmt::format("expected token ids [B,1…{}] of int64, got {}", config.positions, shape.str()));
  }
  const auto low = ids.min().item<std::int64_t>(), high = ids.max().item<std::int64_t>();
  if (low < 0 || high >= config.vocab_size) {
    throw input_error(
        "clip text",
        fmt::format("expected token ids from 0 to {}, got {}; do tokenizer and text encoder belong together?",
                    config.vocab_size - 1, low < 0 ? low : high));
  }
}

// The position whose state stands for the text. Transformers takes the highest id where the configuration has the
// end token 2, which is wrong and was written into many of them, else the first end token (or 0 without one).
Tensor pooled_positions(const ClipTowerConfig& config, const Tensor& ids) {
  constexpr std::int64_t kLegacyEnd = 2;
  return config.eos_token_id == kLegacyEnd ? ids.argmax(-1) : ids.eq(config.eos_token_id).to(at::kInt).argmax(-1);
}

}  // namespace

ClipText take_clip_text(Weights& weights, const ClipTowerConfig& config, const Compute& compute,
                        bool needs_projection) {
  // Transformers 5 writes a lone CLIPTextModel without the prefix that all others have.
  const std::string prefix = weights.has("embeddings.token_embedding.weight") ? "" : "text_model.";
  const auto hidden = config.hidden_size;
  weights.ignore(prefix + "embeddings.position_ids");
  ClipTextWeights tower{
      weights.take(prefix + "embeddings.token_embedding.weight", {config.vocab_size, hidden}, kEmbedding),
      weights.take(prefix + "embeddings.position_embedding.weight", {config.positions, hidden}, kEmbedding),
      take_clip_encoder(weights, prefix + "encoder", config),
      take_layer_norm(weights, prefix + "final_layer_norm", hidden, config.layer_norm_eps),
      {}};
  if (needs_projection || weights.has("text_projection.weight")) {
    tower.projection = take_linear(weights, "text_projection", hidden, config.projection_dim, false);
  }
  return {config, std::make_shared<const ClipTextWeights>(std::move(tower)), compute};
}

ClipText load_clip_text(const std::filesystem::path& folder, const Compute& compute) {
  const ClipTowerConfig config = read_clip_text_config(folder / "config.json");
  Weights weights = Weights::open(find_weights(folder, "model"), compute);
  ClipText text = take_clip_text(weights, config, compute, false);
  weights.expect_all_taken();
  return text;
}

Tensor text_states(const ClipText& model, const Tensor& ids) {
  const auto& [config, weights, compute] = model;
  check_ids(config, ids);
  const Tensor on_device = ids.to(compute.device);
  const Tensor x = at::embedding(weights->tokens, on_device) + weights->positions.slice(0, 0, ids.size(1));
  return normalize(weights->norm, forward(weights->encoder, x, true));
}

Tensor text_embedding(const ClipText& model, const Tensor& ids) {
  const auto& [config, weights, compute] = model;
  if (!weights->projection) {
    throw input_error("clip text",
                      "expected a text tower with text_projection.weight, got one without; a CLIP score "
                      "needs a CLIPModel folder");
  }
  const Tensor states = text_states(model, ids);
  const Tensor positions = pooled_positions(config, ids).to(compute.device);
  const Tensor rows = at::arange(ids.size(0), positions.options());
  return linear(*weights->projection, states.index({rows, positions}));
}

}  // namespace fewstep
