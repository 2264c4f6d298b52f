#pragma once
#include "checkpoints/checkpoint_info.h"
#include "core/tensor.h"
#include "datasets/captioned_images.h"
#include "models/clip.h"
#include "models/vae.h"

#include <ATen/core/Generator.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace fewstep {

// The parts of a pipeline that stay as they are while a UNet is trained.
struct FrozenParts {
  Vae vae;
  ClipText text;
  Tokenizer tokenizer;
  std::string hash;  // of weights, configurations and tokenizer
};

// Over all that latents and text states are made with: every shard of the weights, the configurations, and every file
// of the tokenizer that there is. Throws Error (kInput) where a network's folder has no weights.
std::string hash_of_parts(const std::filesystem::path& vae, const std::filesystem::path& text_encoder,
                          const std::filesystem::path& tokenizer);

// Moments of the latents and text states of a data set, computed once and kept in files that are mapped into memory:
// FOLDER/HASH/block-00000.safetensors with "moments" [n,2c,h,w], "states" [u,tokens,hidden] and "caption" [n].
class LatentData {
 public:
  // Computes the blocks that are missing; a block is written whole or not at all, so that a killed run goes on.
  // progress is told how many images are done; stop is asked after every block, and makes complete() false.
  LatentData(const CaptionedImages& data, int resolution, const FrozenParts& parts, const std::filesystem::path& folder,
             const std::function<void(std::int64_t done)>& progress, const std::function<bool()>& stop);

  bool complete() const { return complete_; }
  std::int64_t count() const { return count_; }

  struct Batch {
    Tensor latents;  // [B,c,h,w] drawn from the moments, times the VAE's scaling factor; float32
    Tensor states;   // [B,tokens,hidden]
  };
  Batch batch(std::span<const std::int64_t> rows, at::Generator& generator, at::Device device) const;
  const Tensor& empty_states() const { return empty_; }  // [1,tokens,hidden] of the caption ""

 private:
  struct Block {
    Tensor moments, states, caption;
  };
  std::int64_t count_ = 0;
  double scaling_factor_ = 1;
  bool complete_ = true;
  std::vector<Block> blocks_;
  Tensor empty_;
};

}  // namespace fewstep
