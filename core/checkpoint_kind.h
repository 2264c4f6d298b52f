#pragma once
#include <array>
#include <string_view>

namespace fewstep {

// What a checkpoint is to a sampler.
enum class CheckpointKind {
  kTeacher,        // plain diffusion model: ddim, dpm, dpm++
  kConsistency,    // its scheduler is LCMScheduler: lcm
  kGuidedDistill,  // takes an omega embedding under another scheduler: guided-distill
};
inline constexpr std::array<std::string_view, 3> kCheckpointKinds{"teacher", "consistency", "guided-distill"};
constexpr std::string_view name_of(CheckpointKind kind) { return kCheckpointKinds[static_cast<std::size_t>(kind)]; }

}  // namespace fewstep
