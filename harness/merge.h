#pragma once
#include "harness/run.h"

namespace fewstep {

// fewstep merge. Takes the stores into one (store/merge.h), and scores the cells that are whole then, as the newest run
// of the first store was asked for. Returns the exit code: 0, 13 where cells lack images or nothing says how to score.
int run_merge(const MergeRequest& request, const ShowRun& show, std::ostream& out, std::ostream& messages);

}  // namespace fewstep
