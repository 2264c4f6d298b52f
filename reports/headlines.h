#pragma once
#include "reports/arm.h"
#include "store/read.h"
#include "store/training.h"

#include <string>
#include <vector>

namespace fewstep {

// A student's cell and the teacher's that it is held against (make_headlines says which).
struct StudentPair {
  const StoredCell *student = nullptr, *teacher = nullptr;
  std::string student_text, teacher_text;  // "lcm · 4 steps"
};
std::vector<StudentPair> student_pairs(const StoreOf& store_of, const StoredTable& table,
                                       const std::vector<TrainingRecord>& trainings);

// What a reader wants to know first, a sentence for each student: "lcm · 1 step against teacher · ddim · 4 steps: ΔFD
// (pocket) +0.75 ± 6.10, ΔCLIP score −2.78 ± 0.29, 3.6 times faster". Of the teacher the cell that is best by the first
// metric whose lower values are better (else by the first); of the student the one of fewest forwards that is not worse
// than that by more than two standard errors, and where there is none its best. Differences are paired over prompts.
// The teacher is the one that the student's fewstep.json names, where the table has it. Raw texts.
std::vector<std::string> make_headlines(const StoreOf& store_of, const StoredTable& table,
                                        const std::vector<StudentPair>& pairs);

}  // namespace fewstep
