#include "metrics/registry.h"

#include "core/error.h"
#include "core/names.h"
#include "metrics/clip_score.h"
#include "metrics/fd_pocket.h"
#include "metrics/fid.h"
#include "metrics/frechet.h"

#include <algorithm>
#include <array>
#include <string>

namespace fewstep {
namespace {

Score aggregate_frechet(std::string_view, std::span<const float> rows, std::int64_t width,
                        std::span<const std::int64_t> groups, const Gaussian* reference) {
  if (!reference) throw usage_error("Fréchet distance", "expected reference images or statistics, got none");
  return frechet_score(rows, width, groups, *reference);
}

Score aggregate_clip_score(std::string_view protocol, std::span<const float> rows, std::int64_t,
                           std::span<const std::int64_t> groups, const Gaussian*) {
  return clip_score(protocol, rows, groups);
}

const std::array<Metric, 3>& table() {
  static const std::array<Metric, 3> metrics = {{
      {.name = "fid",
       .unit = "",
       .source = "Heusel et al. 2017, arXiv:1706.08500",
       .version = 1,
       .higher_is_better = false,
       .needs_reference = true,
       .needs_prompts = false,
       .protocols = fid_protocols(),
       .open = open_fid,
       .aggregate = aggregate_frechet},
      {.name = "clip-score",
       .unit = "",
       .source = "Hessel et al. 2021, arXiv:2104.08718",
       .version = 1,
       .higher_is_better = true,
       .needs_reference = false,
       .needs_prompts = true,
       .protocols = kClipScoreProtocols,
       .open = open_clip_score,
       .aggregate = aggregate_clip_score},
      {.name = "fd-pocket",
       .unit = "",
       .source = "Heusel et al. 2017, arXiv:1706.08500, in the features of models/feature_net.h",
       .version = 1,
       .higher_is_better = false,
       .needs_reference = true,
       .needs_prompts = false,
       .protocols = kFdPocketProtocols,
       .open = open_fd_pocket,
       .aggregate = aggregate_frechet},
  }};
  return metrics;
}

void refuse(const std::filesystem::path& path, const std::string& metric, const char* key) {
  if (!path.empty()) throw usage_error(metric, std::string("expected no ") + key + ", got \"" + path.string() + "\"");
}

void check_paths(const MetricSettings& settings) {
  if (settings.name == "fid") {
    refuse(settings.model, "fid", "model");
    if (settings.weights.empty())
      throw usage_error("fid", "expected weights, a safetensors file of FID's Inception-v3, got none");
    if (!std::filesystem::is_regular_file(settings.weights))
      throw input_error(settings.weights.string(), "expected a safetensors file of FID's Inception-v3, got no file");
  } else {
    const std::string folder =
        std::string("the folder of a ") + (settings.name == "clip-score" ? "CLIPModel" : "feature network");
    refuse(settings.weights, settings.name, "weights");
    if (settings.model.empty()) throw usage_error(settings.name, "expected model, " + folder + ", got none");
    if (!std::filesystem::is_directory(settings.model))
      throw input_error(settings.model.string(), "expected " + folder + ", got no folder");
  }
}

}  // namespace

std::span<const Metric> metrics() { return table(); }

const Metric& find_metric(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Metric& metric : metrics()) {
    if (metric.name == name) return metric;
    names.push_back(metric.name);
  }
  throw usage_error("metric", unknown_name(name, names));
}

MetricSettings resolve(MetricSettings settings) {
  const Metric& metric = find_metric(settings.name);
  if (settings.protocol.empty()) settings.protocol = metric.protocols.front();
  if (std::find(metric.protocols.begin(), metric.protocols.end(), settings.protocol) == metric.protocols.end())
    throw usage_error(settings.name + " protocol", unknown_name(settings.protocol, metric.protocols));
  check_paths(settings);
  return settings;
}

}  // namespace fewstep
