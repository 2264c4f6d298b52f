#pragma once
#include "settings/requests.h"

#include <iosfwd>

namespace fewstep {

// fewstep audit. Checks feature files against their hashes and kept pictures against theirs, computes every score anew
// from stored rows, and makes batches of every cell of the newest run again, as its experiment says, to compare
// images: equal to the bit in the environment that made them, else within rounding. Writes nothing into the
// store. Returns 0, or 75 where a signal stopped it. Throws Error (kInput) that counts what differs, with the first
// ones.
int run_audit(const AuditRequest& request, std::ostream& out, std::ostream& messages);

}  // namespace fewstep
