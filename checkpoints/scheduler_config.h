#pragma once
#include "checkpoints/checkpoint_info.h"

#include <nlohmann/json_fwd.hpp>

#include <filesystem>
#include <string>

namespace fewstep {

// Throws Error (kInput) for a class of diffusers' schedulers whose models cannot be run here.
void expect_scheduler(const std::string& class_name, const std::string& where);

// Noise schedule, prediction type and LCM's boundary into info, as diffusers takes them from scheduler_config.json for
// a scheduler of this class in this pipeline (model_index.json's), or for DDIM and DPM-Solver made of it by
// from_config. How the class itself would sample is not read: sampler, grid and final sigma are the experiment's. What
// changes the schedule or the meaning of the network's output and is not supported is refused by name. Throws Error
// (kInput).
void read_scheduler_config(const std::filesystem::path& path, const std::string& class_name,
                           const std::string& pipeline, CheckpointInfo& info);

// LCMScheduler for consistency models, else DDIMScheduler on the trailing grid.
nlohmann::json scheduler_json(const CheckpointInfo& info);

}  // namespace fewstep
