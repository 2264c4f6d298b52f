#pragma once
#include "verdicts/comparison.h"
#include "verdicts/matching.h"

namespace fewstep {

// A row for each metric of each pair, with its difference where there is one, before anything is decided. Rows that
// statistics cannot help are decided. Throws Error (kUsage) for a gate that names a cell or metric that is not there.
Comparison prepare(const Arm& baseline, const Arm& candidate, const Matching& matching, const Gate& gate);

// The latency of a pair: medians of processes, Welch's difference of five or more of each. asked: by the gate.
void fill_latency(ComparedRow& row, const CellPair& pair, const Arm& baseline, const Arm& candidate, const Size& margin,
                  bool asked, Comparison& comparison);

}  // namespace fewstep
