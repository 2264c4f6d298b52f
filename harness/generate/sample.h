#pragma once
#include "settings/requests.h"

#include <iosfwd>

namespace fewstep {

// fewstep sample: one image per caption (or per given latent) as PNG; the folder's path goes to out, progress to
// messages. Returns the exit code: 0, or 75 where a signal stopped it after a batch. Throws Error, also for a sampler
// that does not fit the checkpoint (kUsage).
int run_sample(const SampleRequest& request, std::ostream& out, std::ostream& messages);

}  // namespace fewstep
