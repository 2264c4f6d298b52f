#pragma once
#include "core/checkpoint_kind.h"
#include "core/noise.h"

#include <array>
#include <string>
#include <string_view>

namespace fewstep {

// A sampler as everything but its own algorithm knows it; samplers/registry.cpp holds the functions. No LibTorch.
struct SamplerInfo {
  std::string_view name;    // as users write it
  std::string_view source;  // paper and equation or reference implementation
  CheckpointKind kind;      // the checkpoints that it fits
  GridFamily family;        // where diffusers' scheduler of the same method puts its times
  bool takes_spacing;       // trailing, leading, linspace; a consistency sampler takes lcm, lcm-original instead
  bool stochastic;          // draws noise after the start
};

inline constexpr std::array<SamplerInfo, 5> kSamplers{{
    {"ddim", "Song et al. 2021, eq. 12 (eta = 0)", CheckpointKind::kTeacher, GridFamily::kDdim, true, false},
    {"dpm", "Lu et al. 2022, DPM-Solver, multistep order 2, midpoint", CheckpointKind::kTeacher, GridFamily::kDpm, true,
     false},
    {"dpm++", "Lu et al. 2022, DPM-Solver++(2M), midpoint", CheckpointKind::kTeacher, GridFamily::kDpm, true, false},
    {"guided-distill", "Meng et al. 2023; DDIM on the student's trailing grid", CheckpointKind::kGuidedDistill,
     GridFamily::kDdim, false, false},
    {"lcm", "Luo et al. 2023, arXiv 2310.04378, algorithm 3", CheckpointKind::kConsistency, GridFamily::kDdim, false,
     true},
}};

// "ddim, dpm, dpm++": those that fit a kind of checkpoint, for messages.
inline std::string samplers_for(CheckpointKind kind) {
  std::string names;
  for (const SamplerInfo& sampler : kSamplers)
    if (sampler.kind == kind) names += (names.empty() ? "" : ", ") + std::string(sampler.name);
  return names;
}

}  // namespace fewstep
