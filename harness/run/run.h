#pragma once
#include "settings/requests.h"

#include <cstdint>
#include <functional>
#include <iosfwd>

namespace fewstep {

class Store;
// Shows a run that is over, from its store.
using ShowRun = std::function<void(Store& store, std::int64_t run_id)>;

// A run as its launcher means it (core/shard.h): of several processes each makes a shard, on a device of its own.
// What the request says itself counts first. Says on messages what it took.
RunRequest as_launched(const RunRequest& given, std::ostream& messages);

// fewstep run. Reads the experiment a second time after the program that handed the command over, which reads it to
// report errors before LibTorch is loaded. The plan of a dry run goes to out, progress and warnings to messages.
// Returns the exit code: 0, 13 where cells failed (the others are stored), 75 where a signal stopped it after a batch.
// Throws Error for what ends the whole run.
int run_experiment(const RunRequest& request, const ShowRun& show, std::ostream& out, std::ostream& messages);

}  // namespace fewstep
