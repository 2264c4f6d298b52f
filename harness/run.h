#pragma once
#include "harness/run_request.h"

#include <iosfwd>

namespace fewstep {

// fewstep run. The table goes to out, progress and warnings to messages. Returns the exit code: 0, 13 where cells
// failed (the others are stored), 75 where a signal stopped it after a batch. Throws Error for what ends the whole run.
int run_experiment(const RunRequest& request, std::ostream& out, std::ostream& messages);

}  // namespace fewstep
