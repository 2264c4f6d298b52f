#pragma once
#include "harness/run/run.h"

namespace fewstep {

// fewstep merge. Takes the stores into one (store/merge.h), and scores the cells that are whole then, as the newest run
// of the first store was asked for. Returns the exit code: 0, 13 where cells lack images. Throws Error (kInput) where
// that run does not say how it was asked for, or its experiment file is another by now; the images are merged then.
int run_merge(const MergeRequest& request, const ShowRun& show, std::ostream& out, std::ostream& messages);

}  // namespace fewstep
