#pragma once
#include "core/tensor.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/mm.h>

#include <Eigen/Core>

#include <cstdint>

namespace fewstep {

// Eigen's matrices as tensors in float64, without a copy; they must outlive the tensor. Eigen stores columns, LibTorch
// rows: matrices here are symmetric, so that it makes no difference.
inline Tensor view(Eigen::VectorXd& vector) { return at::from_blob(vector.data(), {vector.size()}, at::kDouble); }
inline Tensor view(Eigen::MatrixXd& symmetric) {
  return at::from_blob(symmetric.data(), {symmetric.rows(), symmetric.cols()}, at::kDouble);
}
inline Tensor view(const Eigen::VectorXd& vector) { return view(const_cast<Eigen::VectorXd&>(vector)); }
inline Tensor view(const Eigen::MatrixXd& symmetric) { return view(const_cast<Eigen::MatrixXd&>(symmetric)); }

// Rows [count,width] of float32 as a copy in float64.
inline Tensor to_float64(const float* rows, std::int64_t count, std::int64_t width) {
  return at::from_blob(const_cast<float*>(rows), {count, width}, at::kFloat).to(at::kDouble);
}

}  // namespace fewstep
