#pragma once
#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace fewstep {

// One point of a loss curve: the mean over the steps since the last one.
struct LossPoint {
  std::string phase;
  std::int64_t step = 0;  // steps done within the phase
  double loss = 0;
  double gradient_norm = 0;  // before clipping, likewise a mean
  double learning_rate = 0;
  bool operator==(const LossPoint&) const = default;
};
using LossCurve = std::vector<LossPoint>;

// [phase, step, loss, gradient norm, learning rate] each.
nlohmann::json to_json(const LossCurve& curve);
LossCurve loss_curve_of(const nlohmann::json& points);  // throws nlohmann::json::exception for another shape

}  // namespace fewstep
