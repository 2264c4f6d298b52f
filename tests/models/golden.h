#pragma once
#include "core/tensor.h"
#include "models/weights.h"

#include <gtest/gtest.h>

#include <ATen/TensorOperators.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <string>

namespace fewstep {

inline std::filesystem::path golden_folder() { return FEWSTEP_TEST_DATA; }

inline std::map<std::string, Tensor> golden(const std::string& file) { return load_tensors(golden_folder() / file); }

// max|a − reference| / max|reference|; NaN anywhere gives infinity.
inline double relative_difference(const Tensor& a, const Tensor& reference) {
  const Tensor ours = a.to(at::kCPU, at::kDouble), theirs = reference.to(at::kCPU, at::kDouble);
  if (ours.sizes() != theirs.sizes()) return INFINITY;
  const double difference = (ours - theirs).abs().max().item<double>() / theirs.abs().max().item<double>();
  return std::isfinite(difference) ? difference : INFINITY;
}

}  // namespace fewstep

#define EXPECT_NEAR_GOLDEN(ours, reference, bound) \
  EXPECT_LE(fewstep::relative_difference(ours, reference), bound) << "remake with: make golden"
