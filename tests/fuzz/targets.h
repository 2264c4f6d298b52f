#pragma once
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// A parser of bytes that strangers wrote. Any bytes have to end in a result or an Error of ours: another exception, a
// crash, a hang are faults of the parser.
struct FuzzTarget {
  std::string_view name;
  void (*run)(std::string_view bytes);
  // Files to begin with, below the source folder: a folder and an ending (empty: all), or one file.
  std::string_view seeds, ending;
};
std::span<const FuzzTarget> fuzz_targets();

// Files of the target's seeds, and of tests/fuzz/corpus/NAME, which holds what was found once; sorted.
std::vector<std::filesystem::path> seeds_of(const FuzzTarget& target);

// Runs a target; takes an Error of ours as an answer.
void run_target(const FuzzTarget& target, std::string_view bytes);

}  // namespace fewstep
