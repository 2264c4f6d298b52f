#pragma once
#include "metrics/feature_statistics.h"

#include <filesystem>
#include <string>

namespace fewstep {

// Reference statistics as an .npz: mu [D] and sigma [D,D] in float64 or float32, stored or compressed, as pytorch-fid,
// clean-fid and ADM write them (ADM's mu_s and sigma_s are ignored), and of ours: protocol, count, network (the SHA-256
// that its metric tells of it), which NumPy reads as a text, an integer and a text.
struct StatisticsFile {
  Gaussian gaussian;
  std::string protocol;  // empty where the file does not say
  std::string network;   // empty where the file does not say
};

// Throws Error (kInput) for shapes that do not fit, non-finite values, an asymmetric sigma, pickled objects, a torn
// archive.
StatisticsFile read_statistics(const std::filesystem::path& npz);
// Whole or not at all; the same statistics give the same bytes. Throws Error (kEnvironment).
void write_statistics(const std::filesystem::path& npz, const StatisticsFile& statistics);

}  // namespace fewstep
