#pragma once
#include "metrics/catalog.h"

#include <filesystem>
#include <string>

namespace fewstep {

// Where a metric's network lies that nobody named: the first of
// - [weights] of fewstep.toml in folder (the experiment's; empty: none), then of ~/.config/fewstep.toml
//   ($XDG_CONFIG_HOME), under the name of its option ("inception", "clip", "feature-net"); paths are relative to the
//   file;
// - a file or folder of one of its published names in $FEWSTEP_WEIGHTS, a list of folders as in PATH;
// - the same in the caches of huggingface_hub ($HF_HUB_CACHE, $HF_HOME/hub, ~/.cache/huggingface/hub: models--*--NAME)
//   and torch.hub ($TORCH_HOME/hub/checkpoints, ~/.cache/torch/hub/checkpoints), as safetensors.
// Empty where there is none. Throws Error (kUsage) for a fewstep.toml that cannot be read.
std::filesystem::path find_network(const NetworkSlot& network, const std::filesystem::path& folder);

// A network by name, or the one that is found. Throws Error (kUsage) where there is none, with what to do.
std::filesystem::path network_or_refusal(const std::string& metric, const NetworkSlot& network,
                                         const std::filesystem::path& named);

// "name it with --inception, or put it into $FEWSTEP_WEIGHTS as …": what to do where find_network finds nothing.
std::string how_to_name(const NetworkSlot& network);

}  // namespace fewstep
