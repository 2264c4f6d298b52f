#include "formats/loss_curve.h"

#include <nlohmann/json.hpp>

namespace fewstep {

using nlohmann::json;

json to_json(const LossCurve& curve) {
  json points = json::array();
  for (const LossPoint& point : curve)
    points.push_back({point.phase, point.step, point.loss, point.gradient_norm, point.learning_rate});
  return points;
}

LossCurve loss_curve_of(const json& points) {
  LossCurve curve;
  for (const json& point : points) {
    curve.push_back({point.at(0).get<std::string>(), point.at(1).get<std::int64_t>(), point.at(2).get<double>(),
                     point.at(3).get<double>(), point.at(4).get<double>()});
  }
  return curve;
}

}  // namespace fewstep
