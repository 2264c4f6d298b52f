#pragma once
#include "models/clip.h"
#include "models/layers.h"
#include "models/weights.h"

#include <string>
#include <vector>

namespace fewstep {

// The transformer that both CLIP towers share: layers that add attention and a two-layer perceptron, norms first.
struct ClipLayer {
  Norm norm1, norm2;
  Linear q, k, v, out, fc1, fc2;
};
struct ClipEncoder {
  std::vector<ClipLayer> layers;
  std::int64_t heads = 1;
  Activation activation = nullptr;
};

// name: "text_model.encoder" and the like.
ClipEncoder take_clip_encoder(Weights& weights, const std::string& name, const ClipTowerConfig& config);
// x [B,tokens,hidden] → the same shape, before any final norm.
Tensor forward(const ClipEncoder& encoder, Tensor x, bool causal);

// The towers of one weight file; their names are as Transformers writes them.
// A lone text tower may come without a projection; text_embedding then throws.
ClipText take_clip_text(Weights& weights, const ClipTowerConfig& config, const Compute& compute, bool needs_projection);
ClipVision take_clip_vision(Weights& weights, const ClipTowerConfig& config, const Compute& compute);

}  // namespace fewstep
