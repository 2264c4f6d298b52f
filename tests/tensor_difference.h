#pragma once
#include "core/tensor.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

namespace fewstep {

// max|a − reference| / max|reference| in float64; infinite where shapes differ or a is not finite.
inline double relative_difference(const Tensor& a, const Tensor& reference) {
  if (!a.defined() || a.sizes() != reference.sizes()) return INFINITY;
  const Tensor ours = a.to(at::kCPU, at::kDouble), theirs = reference.to(at::kCPU, at::kDouble);
  const double difference = ((ours - theirs).abs().max() / theirs.abs().max()).item<double>();
  return std::isfinite(difference) ? difference : INFINITY;
}

// The same, printed, so that a run of the tests says how near the bound it is.
inline double printed_difference(const Tensor& a, const Tensor& reference, const char* what, double bound) {
  const double difference = relative_difference(a, reference);
  std::printf("%s: %.1e (bound %.1e)\n", what, difference, bound);
  return difference;
}

}  // namespace fewstep

#define EXPECT_NEAR_GOLDEN(ours, reference, bound) \
  EXPECT_LE(fewstep::printed_difference(ours, reference, #ours, bound), bound) << "remake with: make golden"
