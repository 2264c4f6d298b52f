#pragma once
#include "checkpoints/checkpoint_info.h"
#include "checkpoints/diffusion_pipeline.h"
#include "checkpoints/latent_shape.h"
#include "core/checkpoint_ref.h"
#include "core/faults.h"
#include "core/noise.h"
#include "core/tensor.h"

#include <filesystem>

namespace fewstep {

struct Checkpoint {
  CheckpointInfo info;
  Schedule schedule;
  DiffusionPipeline pipeline;
};
// The whole pipeline folder in diffusers layout; safety_checker and feature_extractor are not needed.
Checkpoint load_checkpoint(const CheckpointRef& checkpoint, const Compute& compute, bool with_hash = true);

// What load_checkpoint would say, as far as configurations, tokenizer files and the headers of weights tell it: all of
// it, and without reading a weight.
void check_checkpoint(const CheckpointRef& checkpoint, Faults& faults);

// Reads configurations alone.
LatentShape latent_shape(const CheckpointRef& checkpoint);

}  // namespace fewstep
