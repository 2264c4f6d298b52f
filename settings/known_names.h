#pragma once
#include "core/noise.h"
#include "models/checkpoint_info.h"

#include <span>
#include <string_view>
#include <vector>

namespace fewstep {

// Samplers and metrics as experiment files and the command line name them. The registries of samplers/ and metrics/
// link LibTorch; these tables let a wrong name be refused in milliseconds, and a test holds them equal to those.

struct KnownSampler {
  std::string_view name;
  CheckpointInfo::Kind kind;  // the checkpoints that it fits
  GridFamily family;
  bool takes_spacing;  // trailing, leading, linspace; a consistency sampler takes lcm, lcm-original instead
};
std::span<const KnownSampler> known_samplers();
const KnownSampler& find_known_sampler(std::string_view name, std::string_view where);  // throws Error (kUsage)
std::vector<std::string_view> samplers_for(CheckpointInfo::Kind kind);

struct KnownMetric {
  std::string_view name;
  std::string_view model_key;  // the key that names its network: "weights" (a file) or "model" (a folder)
  bool needs_reference;
  std::vector<std::string_view> protocols;  // the first is the default
};
std::span<const KnownMetric> known_metrics();
const KnownMetric& find_known_metric(std::string_view name, std::string_view where);  // throws Error (kUsage)

bool is_lcm(Spacing spacing);

}  // namespace fewstep
