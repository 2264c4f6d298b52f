#include "harness/score.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <ostream>

namespace fewstep {
namespace {

nlohmann::ordered_json as_json(std::span<const MetricScore> scores) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& [metric, protocol, score] : scores) {
    list.push_back({{"metric", metric},
                    {"protocol", protocol},
                    {"value", score.value},  // NaN becomes null
                    {"standard_error", score.standard_error},
                    {"images", score.count},
                    {"flags", score.flags}});
  }
  return {{"scores", list}};
}

std::string number(double value) { return std::isfinite(value) ? fmt::format("{:.4f}", value) : "-"; }

std::string joined(const std::vector<std::string>& flags) {
  std::string text;
  for (const std::string& flag : flags) text += (text.empty() ? "" : " ") + flag;
  return text;
}

using Line = std::array<std::string, 6>;

}  // namespace

void print_scores(std::span<const MetricScore> scores, bool json, std::ostream& out) {
  if (json) {
    out << as_json(scores).dump(2) << "\n";
    return;
  }
  std::vector<Line> lines = {{"metric", "protocol", "value", "standard error", "images", "flags"}};
  for (const auto& [metric, protocol, score] : scores) {
    lines.push_back({metric, protocol, number(score.value), number(score.standard_error), std::to_string(score.count),
                     joined(score.flags)});
  }
  std::array<std::size_t, 6> widths{};
  for (const Line& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  for (const Line& line : lines) {
    std::string text = fmt::format("{:<{}}  {:<{}}  {:>{}}  {:>{}}  {:>{}}  {}", line[0], widths[0], line[1], widths[1],
                                   line[2], widths[2], line[3], widths[3], line[4], widths[4], line[5]);
    text.erase(text.find_last_not_of(' ') + 1);
    out << text << "\n";
  }
}

}  // namespace fewstep
