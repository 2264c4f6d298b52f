#include "reports/number_text.h"

#include <fmt/format.h>

#include <cmath>

namespace fewstep {
namespace {

std::string error_text(double error) {
  return error > 0 && error < 0.005 ? fmt::format("{:.1g}", error) : fmt::format("{:.2f}", error);
}

}  // namespace

std::string score_text(const Score& score) {
  if (!std::isfinite(score.value)) return score.flags.empty() ? "not a number" : "not given";
  const std::string value = fmt::format("{:.2f}", score.value);
  return std::isfinite(score.standard_error) ? value + " ± " + error_text(score.standard_error) : value;
}

std::string ms_text(double ms) { return fmt::format("{:.{}f}", ms, ms >= 100 ? 0 : ms >= 10 ? 1 : 2); }

std::string short_hash(const std::string& hash) { return hash.empty() ? "none" : hash.substr(0, 16); }

}  // namespace fewstep
