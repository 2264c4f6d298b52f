#pragma once
#include "settings/requests.h"

#include <filesystem>
#include <ostream>
#include <string>

namespace fewstep {

// The experiment that a short form stands for, as TOML with comments: samplers, guidance and steps by what each
// checkpoint is and was trained for (settings/usual_sampling.h), a metric for each network that is given or found
// (settings/weights.h). Paths are absolute.
struct ShortExperiment {
  std::string toml;
  std::string guidance;  // "teacher guidance_scale 7.5, lcm omega 7": where checkpoints differ; else empty
};
// Throws Error: kInput for what is no checkpoint, kUsage where no metric has a network and metrics_needed.
ShortExperiment experiment_of(const ShortRun& given, const std::string& name, bool metrics_needed);

// The name of its experiment: those of the checkpoints, "lcm+teacher"; of more than three "a+b+c+2-more".
std::string name_of(const ShortRun& given);

// A run of checkpoints: writes the experiment beside the store (results/NAME.toml) and tells it to messages, if any. An
// experiment of that name that a person wrote is never written over: Error (kUsage).
RunRequest written_out(RunRequest request, std::ostream* messages);

// fewstep init
void run_init(const InitRequest& request, std::ostream& out);

}  // namespace fewstep
