#pragma once
#include "reports/arm.h"
#include "verdicts/gate.h"

#include <string>
#include <vector>

namespace fewstep {

// Two cells that are compared, and whether they may be.
struct CellPair {
  const StoredCell* baseline = nullptr;
  const StoredCell* candidate = nullptr;
  std::string label;                    // "lcm · 4 steps · ω 8"
  std::vector<std::string> incomplete;  // what is missing of one of them: exit code 13
  std::vector<std::string> unequal;     // what must be equal and is not: exit code 12
  std::vector<std::string> notes;       // what differs and may
};

struct Matching {
  std::vector<CellPair> pairs;
  std::vector<std::string> incomplete, unequal, notes;  // of the arms as a whole
};

// Cells are matched by sampler, steps and ω, where the arms have no sampler in common by steps and ω; of several that
// match, by times and LCM's original steps, too. A cell of images made elsewhere matches any single one. Prompts
// (source, row, text), images a prompt, size, protocol, network and reference of every metric must be equal; known
// initial latents, too, unless the gate says otherwise. The arms must outlive the result. Throws Error (kUsage) where
// no cell of the baseline fits the gate's clauses.
Matching match(const Arm& baseline, const Arm& candidate, const Gate& gate);

// Which cells of the baseline fit a gate's clauses. Throws Error (kUsage) that says so of the gate.
std::vector<bool> fits_gate(const Arm& baseline, const std::string& clauses);

}  // namespace fewstep
