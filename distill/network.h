#pragma once
#include "checkpoints/checkpoint_info.h"
#include "distill/levels.h"
#include "models/unet.h"

#include <map>
#include <string>

namespace fewstep {

// A UNet as training sees it, and what its output means.
struct DiffusionNetwork {
  Unet unet;
  Prediction prediction = Prediction::kEpsilon;
  double timestep_scaling = 10;  // of the boundary condition
};

// float32 copies on a device that require gradients: the tensors of a network that is trained, or of its average.
std::map<std::string, Tensor> trainable_copy(const std::map<std::string, Tensor>& tensors, at::Device device);

// x0 of every element of a batch. x [B,4,h,w]; states [B,tokens,hidden]; omega [B], or undefined for a network without
// the embedding.
Tensor predict_x0(const DiffusionNetwork& network, const Tensor& x, const Levels& levels, const Tensor& states,
                  const Tensor& omega = {});

// (1+omega)·x0(states) − omega·x0(negative) in one 2B batch; negative [1 or B,tokens,hidden], omega [B].
Tensor predict_guided_x0(const DiffusionNetwork& network, const Tensor& x, const Levels& levels, const Tensor& states,
                         const Tensor& negative, const Tensor& omega);

// f = c_skip·x + c_out·x0, the consistency function (arXiv 2310.04378, eq. 7).
Tensor consistency(const DiffusionNetwork& network, const Tensor& x, const Levels& levels, const Tensor& states,
                   const Tensor& omega);

}  // namespace fewstep
