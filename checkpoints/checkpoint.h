#pragma once
#include "checkpoints/checkpoint_info.h"
#include "core/faults.h"
#include "core/noise.h"
#include "core/tensor.h"
#include "models/clip.h"
#include "models/tokenizer/tokenizer.h"
#include "models/unet.h"
#include "models/vae.h"

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace fewstep {

struct Checkpoint {
  CheckpointInfo info;
  Schedule schedule;
  Tokenizer tokenizer;
  ClipText text;
  Unet unet;
  Vae vae;
};
// The whole pipeline folder in diffusers layout; safety_checker and feature_extractor are not needed.
Checkpoint load_checkpoint(const std::filesystem::path& folder, const Compute& compute, bool with_hash = true);

// What load_checkpoint would say, as far as configurations, tokenizer files and the headers of weights tell it: all of
// it, and without reading a weight.
void check_checkpoint(const std::filesystem::path& folder, Faults& faults);

// Text states [B,tokens,hidden] of prompts.
Tensor encode_prompts(const Checkpoint& checkpoint, std::span<const std::string> prompts);

}  // namespace fewstep
