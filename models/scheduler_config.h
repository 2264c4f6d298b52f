#pragma once
#include "models/checkpoint_info.h"

#include <filesystem>

namespace fewstep {

// Noise schedule, prediction type and LCM's boundary from scheduler_config.json, into info. How the library's own
// scheduler would sample is not read: sampler, grid and final sigma are the experiment's. What changes the schedule or
// the meaning of the network's output and is not supported is refused by name. Throws Error (kInput).
void read_scheduler_config(const std::filesystem::path& path, CheckpointInfo& info);

}  // namespace fewstep
