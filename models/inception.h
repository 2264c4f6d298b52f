#pragma once
#include "core/tensor.h"

#include <filesystem>
#include <memory>
#include <string>

namespace fewstep {

// Inception-v3 with FID's deviations from torchvision's, weights under pytorch-fid's own names.
// Source: pytorch_fid/inception.py (FIDInceptionA, C, E_1, E_2).
struct InceptionWeights;
struct Inception {
  std::shared_ptr<const InceptionWeights> weights;
  Compute compute;
  std::string hash;  // SHA-256 of the weights file
};
Inception load_inception(const std::filesystem::path& safetensors, const Compute& compute);

// images [B,3,299,299], resized and normalised by the protocol → pool features [B,2048].
Tensor features(const Inception& network, const Tensor& images);

}  // namespace fewstep
