#pragma once
#include "metrics/feature_statistics.h"

#include <filesystem>
#include <string>

namespace fewstep {

// Reference statistics as an .npz: pytorch-fid's mu and sigma (float64), ADM's mu, sigma (mu_s, sigma_s ignored),
// and of ours: protocol, count, inception (SHA-256 of the weights).
struct StatisticsFile {
  Gaussian gaussian;
  std::string protocol;   // empty where the file does not say
  std::string inception;  // empty where the file does not say
};

// Throws Error (kInput) for shapes that do not fit, non-finite values, pickled objects, a torn archive.
StatisticsFile read_statistics(const std::filesystem::path& npz);
void write_statistics(const std::filesystem::path& npz, const StatisticsFile& statistics);

}  // namespace fewstep
