#pragma once
#include "verdicts/comparison.h"

#include <cstdint>
#include <random>
#include <vector>

namespace fewstep {

// Invented arms whose truth is known, to count how often a verdict is wrong. Features are drawn directly: 16 numbers an
// image, of which a part belongs to the prompt and is common to both arms, as equal noise would make it.

inline constexpr int kDimensions = 16;

struct FeatureArm {
  double shift = 0;   // of the first feature's mean from the reference
  double spread = 1;  // of every feature's standard deviation
};

// A difference of two arms as the program would find it, with its standard error over prompts.
struct Simulated {
  double baseline = 0, value = 0, standard_error = 0;
};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed) : random_(seed) {}
  // Fréchet distances to a standard normal reference, candidate − baseline, over one image a prompt.
  Simulated frechet(int prompts, const FeatureArm& baseline, const FeatureArm& candidate);
  // CLIP scores around 28 whose spread is 3 between prompts and 1 between images of one; the candidate's mean is
  // moved by shift.
  Simulated clip(int prompts, int images_per_prompt, double shift);
  // Medians of processes, ms: 100 with a drift between processes of 1 % and 0.3 % within them.
  std::vector<double> processes(int count, double drift);
  double normal() { return normal_(random_); }

 private:
  std::mt19937_64 random_;
  std::normal_distribution<double> normal_;
};

// A row that decide() takes.
ComparedRow row_of(const Simulated& difference, bool higher_is_better, int units, double margin);

struct Moments {
  double mean = 0, deviation = 0;
};
Moments moments_of(const std::vector<double>& values);

}  // namespace fewstep
