#pragma once
#include "core/image.h"
#include "core/tensor.h"
#include "models/clip_config.h"
#include "models/tokenizer/tokenizer.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>

namespace fewstep {

struct ClipTextWeights;
struct ClipVisionWeights;

// The text tower of a diffusion checkpoint (CLIPTextModel) or of a CLIP model.
struct ClipText {
  ClipTowerConfig config;
  std::shared_ptr<const ClipTextWeights> weights;
  Compute compute;
};
struct ClipVision {
  ClipTowerConfig config;
  std::shared_ptr<const ClipVisionWeights> weights;
  Compute compute;
};
// A CLIPModel in Transformers layout: both towers with their projections.
struct Clip {
  ClipText text;
  ClipVision vision;
  Tokenizer tokenizer;
};

// folder holds config.json and model.safetensors (or its index.json, or the .fp16 variant).
ClipText load_clip_text(const std::filesystem::path& folder, const Compute& compute);
// The same with the tokenizer's files. A metric network: always in float32, without TF32, on compute's device.
Clip load_clip(const std::filesystem::path& folder, const Compute& compute);

// ids [B,tokens] int64 → last hidden state after the final layer norm [B,tokens,hidden].
Tensor text_states(const ClipText& model, const Tensor& ids);
// Token ids [B,tokens] of captions.
Tensor token_ids(const Tokenizer& tokenizer, std::span<const std::string> captions);
// ids [B,tokens] → projected text embedding [B,projection_dim], pooled where Transformers pools (not normalised).
// Throws Error (kInput) where the tower has no projection.
Tensor text_embedding(const ClipText& model, const Tensor& ids);
// pixels [B,3,S,S], already preprocessed → projected image embedding [B,projection_dim] (not normalised).
Tensor image_embedding(const ClipVision& model, const Tensor& pixels);

}  // namespace fewstep
