#pragma once
#include "store/read.h"
#include "store/training.h"

#include <string>
#include <vector>

namespace fewstep {

// What a reader wants to know first, a sentence for each student: "lcm · 1 step against teacher · ddim · 4 steps: ΔFD
// (pocket) +0.75 ± 6.10, ΔCLIP score −2.78 ± 0.29, 3.6 times faster". Of the teacher the cell that is best by the first
// metric whose lower values are better (else by the first); of the student the one of fewest forwards that is not worse
// than that by more than two standard errors, and where there is none its best. Differences are paired over prompts.
// The teacher is the one that the student's fewstep.json names, where the table has it. Raw texts.
std::vector<std::string> make_headlines(Store& store, const StoredTable& table,
                                        const std::vector<TrainingRecord>& trainings);

}  // namespace fewstep
