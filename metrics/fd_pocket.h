#pragma once
#include "metrics/registry.h"

#include <array>
#include <string_view>

namespace fewstep {

// The Fréchet distance in the features of a small network of one's own (models/feature_net.h), where Inception has no
// say: on images of the network's size alone. Its numbers have nothing to do with FID's. One protocol: 8-bit images
// taken to −1..1 as they are.
inline constexpr std::array<std::string_view, 1> kFdPocketProtocols = {"pocket"};

// Rows are the network's features. settings.model is its folder; configuration and weights go into model_hash.
Measure open_fd_pocket(const MetricSettings& settings, const Compute& compute);

}  // namespace fewstep
