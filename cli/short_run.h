#pragma once
#include "harness/requests.h"

#include <filesystem>
#include <ostream>
#include <string>

namespace fewstep {

// The experiment that a short form stands for, as TOML with comments: samplers by what each checkpoint is, omega and
// steps by what it was trained for, a metric for each network that is given or found (settings/weights.h). Paths are
// absolute. Throws Error: kInput for what is no checkpoint, kUsage where no metric has a network and metrics_needed.
std::string experiment_of(const ShortRun& given, const std::string& name, bool metrics_needed);

// The name of its experiment: the checkpoint's folder, of several "FIRST-and-2".
std::string name_of(const ShortRun& given);

// A run of checkpoints: writes the experiment beside the store (results/NAME.toml) and tells it to messages, if any. An
// experiment of that name that a person wrote is never written over: Error (kUsage).
RunRequest written_out(RunRequest request, std::ostream* messages);

// fewstep init
void run_init(const InitRequest& request, std::ostream& out);

}  // namespace fewstep
