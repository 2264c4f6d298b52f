#include "metrics/margin.h"

#include "metrics/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fewstep {

double Size::of(double baseline) const { return relative ? value * std::abs(baseline) : value; }

std::string text_of(const Size& size) {
  return size.relative ? fmt::format("{:.6g} %", 100 * size.value) : fmt::format("{:.6g}", size.value);
}

Size default_margin(std::string_view metric) {
  if (metric == kLatency) return {0.05, true};
  const MetricInfo* known = known_metric(metric);
  return known ? Size{known->margin, known->margin_is_relative} : Size{0.03, true};
}

std::string margin_text(const Size& size, std::string_view title) {
  return fmt::format("{} of {}", text_of(size), title);
}

}  // namespace fewstep
