#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace fewstep {

enum class Prediction { kEpsilon, kV, kSample };

// What a checkpoint is, read from its JSON files alone (no LibTorch, no weights).
struct CheckpointInfo {
  enum class Kind {
    kTeacher,        // plain diffusion model: ddim, dpm, dpm++
    kConsistency,    // scheduler is LCMScheduler: lcm
    kGuidedDistill,  // takes an omega embedding under another scheduler: guided-distill
  };
  std::filesystem::path folder;
  Kind kind = Kind::kTeacher;
  bool omega_embedding = false;  // UNet has time_cond_proj_dim
  Prediction prediction = Prediction::kEpsilon;
  // scheduler_config.json
  std::string beta_schedule = "scaled_linear";
  double beta_start = 0.00085, beta_end = 0.012;
  int num_train_timesteps = 1000, steps_offset = 1;
  double timestep_scaling = 10.0;  // LCM boundary condition
  std::string hash;                // SHA-256 over names and contents of all weight and configuration files
};
std::string_view name_of(CheckpointInfo::Kind kind);
std::string_view name_of(Prediction prediction);

// Reads and checks model_index.json, scheduler and network configurations. with_hash reads every weight byte;
// throws Error (kInput).
CheckpointInfo inspect_checkpoint(const std::filesystem::path& folder, bool with_hash = true);

}  // namespace fewstep
