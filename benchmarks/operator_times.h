#pragma once
#include <ostream>

namespace fewstep {

// From now on, counts the time that this thread spends in each of ATen's operators, those that it calls left out; our
// own loops count for nobody.
void count_operator_times();
// A line for each operator: milliseconds, calls, name; the longest first. Starts over.
void print_operator_times(std::ostream& out);

}  // namespace fewstep
