#pragma once
#include "verdicts/comparison.h"

#include <span>

namespace fewstep {

// Decides the rows of one family, each with difference, df and margin: intervals, p-values and verdicts (see judge.h).
void decide(std::span<ComparedRow* const> family, double alpha);

}  // namespace fewstep
