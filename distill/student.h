#pragma once
#include "checkpoints/checkpoint.h"
#include "distill/latent_data.h"
#include "distill/method.h"
#include "distill/network.h"

#include <filesystem>
#include <map>
#include <string>

namespace fewstep {

// A checkpoint that a student starts from, or whose parts stay as they are.
struct Parent {
  CheckpointInfo info;
  Schedule schedule;
  FrozenParts parts;
  DiffusionNetwork network;               // frozen
  std::map<std::string, Tensor> tensors;  // of the UNet
};
// recipe.parent. Throws Error (kUsage) for another kind of checkpoint.
Parent load_parent(const Recipe& recipe, CheckpointKind kind, at::Device device);

// The parent's tensors, and where it has no omega embedding one that starts at zero (as in the LCM paper).
std::map<std::string, Tensor> student_tensors(const Parent& parent, std::int64_t omega_embedding_dim);
UnetConfig student_config(const Parent& parent, std::int64_t omega_embedding_dim);

// A network over tensors that it shares.
DiffusionNetwork network_over(const UnetConfig& config, const std::map<std::string, Tensor>& tensors,
                              const Parent& parent, at::Device device);

// Cached latents of the context's images under a parent's parts; nothing where that was stopped.
std::optional<LatentData> latents_of(const Recipe& recipe, TrainingContext& context, const FrozenParts& parts);

// The parent's folder with another UNet.
void write_student(const std::filesystem::path& folder, const Recipe& recipe, const TrainingContext& context,
                   const Parent& parent, CheckpointKind kind, const UnetConfig& config,
                   const std::map<std::string, Tensor>& tensors);

}  // namespace fewstep
