#pragma once
#include "metrics/feature_statistics.h"
#include "store/read.h"

#include <cstdint>
#include <span>
#include <vector>

namespace fewstep {

// What each prompt adds to a cell's score: N times its derivative by the weight of the prompt's images, mean 0.
struct Contributions {
  double value = 0;                   // the score
  std::vector<std::int64_t> prompts;  // rows of the caption source, rising
  std::vector<double> of_prompt;
};

// The metric has a Fréchet distance (reference: its Gaussian) or one number an image (null). Throws Error (kInput)
// where the images are too few for a standard error (N <= D).
Contributions contributions(Store& store, const StoredCell& cell, const StoredScore& score, const Gaussian* reference);

struct PairedDifference {
  double value = 0, standard_error = 0;
};
// The difference a − b on the same prompts and noise: one element for each sampling seed, whose differences are
// averaged. Prompts are the independent units. Throws Error (kInput) where the prompts differ.
PairedDifference paired_difference(std::span<const Contributions> a, std::span<const Contributions> b);

}  // namespace fewstep
