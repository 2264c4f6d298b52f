#include "metrics/registry.h"

#include "core/device.h"
#include "core/error.h"
#include "core/names.h"
#include "metrics/clip_score.h"
#include "metrics/frechet.h"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <array>
#include <string>

namespace fewstep {

using OpenFn = Measure(const MetricSettings& settings, const Compute& compute);
OpenFn open_fid, open_clip_score, open_fd_pocket;  // each in the file of its metric

namespace {

using FrechetFn = ScoreWithInfluence(std::span<const float> rows, std::int64_t width,
                                     std::span<const std::int64_t> prompts, const Gaussian& reference);

template <FrechetFn* score>
ScoreWithInfluence aggregate(std::string_view, std::span<const float> rows, std::int64_t width,
                             std::span<const std::int64_t> groups, const ReferenceData* reference) {
  if (!reference) throw usage_error("Fréchet distance", "expected reference images or statistics, got none");
  return score(rows, width, groups, std::any_cast<const Gaussian&>(*reference));
}

ScoreWithInfluence aggregate_clip_score(std::string_view protocol, std::span<const float> rows, std::int64_t,
                                        std::span<const std::int64_t> groups, const ReferenceData*) {
  return {clip_score(without_precision(protocol), rows, groups), {}};
}

struct Run {
  std::string_view name;
  OpenFn* open;
  decltype(Metric::aggregate) aggregate;
  const ReferenceKind* reference = nullptr;
};
constexpr std::array<Run, 5> kRuns{
    {{"fid", open_fid, aggregate<frechet_score>, &kGaussianReference},
     {"fid-infinity", open_fid, aggregate<frechet_infinity_score>, &kGaussianReference},
     {"clip-score", open_clip_score, aggregate_clip_score},
     {"fd-pocket", open_fd_pocket, aggregate<frechet_score>, &kGaussianReference},
     {"fd-pocket-infinity", open_fd_pocket, aggregate<frechet_infinity_score>, &kGaussianReference}}};
static_assert(same_names(kRuns, kMetrics));
static_assert(std::equal(kRuns.begin(), kRuns.end(), kMetrics.begin(), [](const Run& run, const MetricInfo& metric) {
  return (run.reference != nullptr) == metric.needs_reference;
}));

}  // namespace

std::vector<float> Measure::rows(std::span<const Image> images, std::span<const std::string> prompts) const {
  if (images.empty()) throw input_error("metric", "expected at least one image");
  std::vector<Tensor> prepared;
  for (const Image& image : images) prepared.push_back(prepare(image));
  return run(at::cat(prepared), prompts);
}

std::span<const Metric> metrics() {
  static const std::vector<Metric> rows = [] {
    std::vector<Metric> all;
    for (std::size_t i = 0; i < kRuns.size(); ++i)
      all.push_back({kMetrics[i], kRuns[i].open, kRuns[i].aggregate, kRuns[i].reference});
    return all;
  }();
  return rows;
}

const Metric& find_metric(std::string_view name) { return find_by_name(metrics(), name, "metric"); }

MetricSettings resolve(MetricSettings settings) {
  const Metric& metric = find_metric(settings.name);
  const auto& [option, key, is_folder, noun, expected, published] = metric.network;
  if (settings.protocol.empty()) settings.protocol = metric.protocols.front().name;
  index_of_name(names_of(metric.protocols), without_precision(settings.protocol), settings.name + " protocol");
  const std::string what = "expected " + std::string(expected);
  if (settings.network.empty())
    throw usage_error(settings.name, "expected " + std::string(key) + ", " + std::string(expected) + ", got none");
  std::error_code ignored;
  if (!is_folder && !std::filesystem::is_regular_file(settings.network, ignored))
    throw input_error(settings.network.string(), what + ", got no file");
  if (is_folder && !std::filesystem::is_directory(settings.network, ignored))
    throw input_error(settings.network.string(), what + ", got no folder");
  return settings;
}

std::vector<MetricSettings> in_precision(std::vector<MetricSettings> settings, std::string_view precision,
                                         const at::Device& device) {
  std::size_t tf32 = 0;
  for (MetricSettings& metric : settings) {
    if (metric.protocol.empty()) metric.protocol = find_metric(metric.name).protocols.front().name;
    if (precision == "tf32" && !is_tf32(metric.protocol)) metric.protocol += kTf32;
    tf32 += is_tf32(metric.protocol) ? 1 : 0;
  }
  if (tf32 == 0) return settings;
  if (tf32 < settings.size())
    throw usage_error("--metric-precision", "expected every metric in TF32 or none: it is of the whole process");
  if (!device.is_cuda())
    throw usage_error("--metric-precision",
                      "expected a CUDA device for TF32, got " + device.str() + "; leave it out, or use --device cuda");
  allow_tf32(true);
  return settings;
}

OpenMetric open_metric(const MetricSettings& settings, const Compute& compute) {
  const Metric& metric = find_metric(settings.name);
  const MetricSettings resolved = resolve(settings);
  return {&metric, resolved, metric.open(resolved, {compute.device, at::kFloat})};
}

std::vector<OpenMetric> open_metrics(std::span<const MetricSettings> settings, const Compute& compute) {
  std::vector<OpenMetric> open;
  for (const MetricSettings& one : settings) {
    const MetricSettings resolved = resolve(one);
    const Metric& metric = find_metric(one.name);
    const auto shared = std::find_if(open.begin(), open.end(), [&](const OpenMetric& other) {
      return other.metric->rows_of == metric.rows_of && other.settings.protocol == resolved.protocol &&
             other.settings.network == resolved.network;
    });
    if (shared == open.end()) {
      open.push_back(open_metric(resolved, compute));
    } else {
      open.push_back({&metric, resolved, Measure(shared->measure)});
    }
  }
  return open;
}

std::vector<std::size_t> row_sources(std::span<const OpenMetric> metrics) {
  std::vector<std::size_t> sources;
  for (const OpenMetric& metric : metrics) {
    const auto source = std::find_if(metrics.begin(), metrics.end(), [&](const OpenMetric& other) {
      return other.metric->rows_of == metric.metric->rows_of && other.settings.protocol == metric.settings.protocol &&
             other.measure.model_hash == metric.measure.model_hash;
    });
    sources.push_back(static_cast<std::size_t>(source - metrics.begin()));
  }
  return sources;
}

std::vector<float> to_rows(const Tensor& rows) {
  const Tensor ours = rows.to(at::kCPU, at::kFloat).contiguous();
  const float* values = ours.const_data_ptr<float>();
  return {values, values + ours.numel()};
}

const ImageRule& image_rule(const OpenMetric& metric) {
  return find_by_name(metric.metric->protocols, without_precision(metric.settings.protocol), "protocol").images;
}

}  // namespace fewstep
