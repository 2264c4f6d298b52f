#pragma once
#include "models/checkpoint_info.h"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>

namespace fewstep {

// Noise schedule, prediction type and LCM's boundary from scheduler_config.json, into info. How the library's own
// scheduler would sample is not read: sampler, grid and final sigma are the experiment's. What changes the schedule or
// the meaning of the network's output and is not supported is refused by name. Throws Error (kInput).
void read_scheduler_config(const std::filesystem::path& path, CheckpointInfo& info);

// LCMScheduler for consistency models, else DDIMScheduler on the trailing grid.
nlohmann::json scheduler_json(const CheckpointInfo& info);

}  // namespace fewstep
