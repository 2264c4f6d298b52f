#pragma once
#include "checkpoints/diffusion_pipeline.h"
#include "checkpoints/latent_shape.h"
#include "core/checkpoint_ref.h"
#include "core/faults.h"
#include "models/clip.h"
#include "models/unet.h"
#include "models/vae.h"

#include <filesystem>

namespace fewstep {

// Stable Diffusion 1.x and 2.x, their LCMs and Guided-Distill students.
struct SdNetworks {
  Tokenizer tokenizer;
  ClipText text;
  Unet unet;
  Vae vae;
};
// Throws Error (kInput) where they do not fit each other.
SdNetworks load_sd_networks(const CheckpointRef& checkpoint, const Compute& compute);
DiffusionPipeline load_sd(const CheckpointRef& checkpoint, const Compute& compute);
// What load_sd would say, without reading a weight.
void check_sd(const CheckpointRef& checkpoint, Faults& faults);
LatentShape sd_latent_shape(const CheckpointRef& checkpoint);

}  // namespace fewstep
