#pragma once
#include "reports/arm.h"
#include "store/read.h"
#include "store/training.h"

#include <optional>
#include <string>
#include <vector>

namespace fewstep {

// A student's cell and the teacher's that it is held against (make_headlines says which).
struct StudentPair {
  const StoredCell *student = nullptr, *teacher = nullptr;
  std::string student_text, teacher_text;  // "lcm · 4 steps"
  bool not_worse = false;                  // by more than the default margins: see make_headlines
  std::optional<double> prompts_needed;    // to show it, where it is not; nothing where no number would
  std::int64_t prompts = 0;
};
std::vector<StudentPair> student_pairs(const StoreOf& store_of, const StoredTable& table,
                                       const std::vector<TrainingRecord>& trainings);

// What a reader wants to know first, a sentence for each student: "lcm · 4 steps is not worse than teacher · ddim · 8
// steps by more than the margins: ΔFD (pocket) +0.75 ± 6.10, ΔCLIP score −0.02 ± 0.03, 3.6 times faster". Of the
// teacher the cell that is best by the first metric whose lower values are better (else by the first); of the student
// the one of fewest forwards that choose_not_worse (reports/not_worse.h) finds over all metrics with their default
// margins, and where there is none its best, with the prompts that would settle it. Differences are paired over
// prompts. The teacher is the one that the student's fewstep.json names, if that is in the table. Raw texts.
std::vector<std::string> make_headlines(const StoreOf& store_of, const StoredTable& table,
                                        const std::vector<StudentPair>& pairs);
// The rule by which they claim it, with the margins.
std::string headline_rule(const std::vector<StoredCell>& cells);

}  // namespace fewstep
