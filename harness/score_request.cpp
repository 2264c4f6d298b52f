#include "core/error.h"
#include "harness/score.h"

#include <algorithm>

namespace fewstep {
namespace {

MetricSettings parse(const std::string& spec, const ScoreRequest& request) {
  const auto colon = spec.find(':');
  MetricSettings settings;
  settings.name = spec.substr(0, colon);
  if (colon != std::string::npos) {
    settings.protocol = spec.substr(colon + 1);
    if (settings.protocol.empty()) throw usage_error("--metric", "expected NAME:PROTOCOL, got \"" + spec + "\"");
  }
  if (const auto network = request.networks.find(settings.name); network != request.networks.end())
    settings.network = network->second;
  return settings;
}

void require_use(bool given, bool used, std::string_view option, std::string_view user) {
  if (given && !used)
    throw usage_error(option, "expected a metric that uses it (--metric " + std::string(user) + "), got none");
}

}  // namespace

std::vector<MetricSettings> metric_settings(const ScoreRequest& request) {
  if (request.metrics.empty()) throw usage_error("--metric", "expected at least one, such as fid or clip-score");
  std::vector<MetricSettings> all;
  for (const std::string& spec : request.metrics) {
    const Metric& metric = find_metric(spec.substr(0, spec.find(':')));
    const MetricSettings settings = resolve(parse(spec, request));
    if (metric.needs_reference && !request.reference)
      throw usage_error("--metric " + spec, "expected --reference with a folder of images or statistics (.npz)");
    if (metric.needs_prompts && !request.prompts)
      throw usage_error("--metric " + spec, "expected --prompts with a caption for each image");
    const auto same = [&](const MetricSettings& other) {
      return other.name == settings.name && other.protocol == settings.protocol;
    };
    if (std::any_of(all.begin(), all.end(), same))
      throw usage_error("--metric " + spec, "expected it once, got it twice");
    all.push_back(settings);
  }
  const auto any = [&](auto property) { return std::any_of(all.begin(), all.end(), property); };
  require_use(request.reference.has_value(), any([](auto& s) { return find_metric(s.name).needs_reference; }),
              "--reference", "fid");
  for (const MetricInfo& metric : kMetrics)
    require_use(request.networks.contains(metric.name), any([&](auto& s) { return s.name == metric.name; }),
                metric.network.option, metric.name);
  return all;
}

}  // namespace fewstep
