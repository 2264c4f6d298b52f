#pragma once
#include "checkpoints/families.h"
#include "core/checkpoint_kind.h"
#include "core/checkpoint_ref.h"
#include "core/noise.h"

#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

enum class Prediction { kEpsilon, kV, kSample };
inline constexpr std::array<std::string_view, 3> kPredictions{"epsilon", "v_prediction", "sample"};
constexpr std::string_view name_of(Prediction prediction) { return kPredictions[static_cast<std::size_t>(prediction)]; }

// What a checkpoint is, read from its JSON files alone (no LibTorch, no weights).
struct CheckpointInfo {
  std::filesystem::path folder;
  const FamilyInfo* family = &kFamilies.front();
  CheckpointKind kind = CheckpointKind::kTeacher;
  bool omega_embedding = false;  // UNet has time_cond_proj_dim
  Prediction prediction = Prediction::kEpsilon;
  std::string scheduler;   // its class: "DDIMScheduler"
  bool few_steps = false;  // a diffusion model that is made for few steps: Euler on trailing times
  // scheduler_config.json
  std::string beta_schedule = "scaled_linear";
  double beta_start = 0.00085, beta_end = 0.012;
  bool zero_terminal_snr = false;  // rescale_betas_zero_snr
  int num_train_timesteps = 1000, steps_offset = 1;
  std::vector<std::string> corrected;  // what the pipeline changes on loading: "steps_offset 0 -> 1"
  double timestep_scaling = 10.0;      // LCM boundary condition
  int original_inference_steps = 50;   // LCM: what scheduler_config.json says; a grid may say otherwise
  // SHA-256 over weights, configurations and tokenizer files: that of the lines "HASH  NAME" that sha256sum prints for
  // them, sorted by name. Empty without with_hash.
  std::string hash;
};

Schedule schedule_of(const CheckpointInfo& info);

// Reads and checks model_index.json, the scheduler's configuration, the networks' classes, and that every file is
// there. with_hash reads every weight byte; throws Error (kInput).
CheckpointInfo inspect_checkpoint(const CheckpointRef& checkpoint, bool with_hash = true);

// The architecture that model_index.json says. Throws Error (kInput) for another one.
const FamilyInfo& family_of(const std::filesystem::path& folder);

// The files that make up a checkpoint (weights with their shards, configurations, tokenizer), relative to its folder,
// sorted. Throws Error (kInput) where one is missing.
std::vector<std::filesystem::path> checkpoint_files(const std::filesystem::path& folder);

}  // namespace fewstep
