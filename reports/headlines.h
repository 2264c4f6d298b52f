#pragma once
#include "store/read.h"
#include "store/training.h"

#include <string>
#include <vector>

namespace fewstep {

// What a reader wants to know first, a sentence for each student: "lcm · 4 steps against teacher · ddim · 8 steps: ΔFD
// (pocket) −8.8 ± 2.1, ΔCLIP score −0.43 ± 0.08, 2.6 times faster". Of both the cell that is best by the first metric
// whose lower values are better (else by the first); differences are paired over prompts. The teacher is the one that
// the student's fewstep.json names, where the table has it. Raw texts.
std::vector<std::string> make_headlines(Store& store, const StoredTable& table,
                                        const std::vector<TrainingRecord>& trainings);

}  // namespace fewstep
