#pragma once
#include "metrics/registry.h"

#include <span>
#include <string_view>

namespace fewstep {

// The feature protocols' names (features.h), pytorch-fid first.
std::span<const std::string_view> fid_protocols();

// Rows are Inception's 2048 pooled features.
Measure open_fid(const MetricSettings& settings, const Compute& compute);

}  // namespace fewstep
