#pragma once
#include "core/image.h"
#include "core/tensor.h"
#include "metrics/catalog.h"
#include "metrics/measure.h"
#include "metrics/reference_kind.h"
#include "metrics/score.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// A row of metrics/catalog.h with its functions.
struct Metric : MetricInfo {
  Measure (*open)(const MetricSettings& settings, const Compute& compute);
  // rows [N,width]; groups[i] is the prompt of row i; reference may be null where needs_reference is false.
  ScoreWithInfluence (*aggregate)(std::string_view protocol, std::span<const float> rows, std::int64_t width,
                                  std::span<const std::int64_t> groups, const ReferenceData* reference);
  const ReferenceKind* reference = nullptr;  // where needs_reference says so
};

std::span<const Metric> metrics();
const Metric& find_metric(std::string_view name);  // throws Error (kUsage) with the nearest known name
// Checks protocol and path before anything is loaded; fills in the default protocol. Throws Error: kUsage for an
// unknown name or a missing network, kInput for a path that leads nowhere.
MetricSettings resolve(MetricSettings settings);

// The same with default protocols filled in, in TF32 where precision (kMetricPrecisions) or a protocol says so; then
// TF32 is on for the process. Throws Error (kUsage) where some are in TF32 and some are not, and on another device than
// CUDA.
std::vector<MetricSettings> in_precision(std::vector<MetricSettings> settings, std::string_view precision,
                                         const at::Device& device);

// A metric that is ready to measure.
struct OpenMetric {
  const Metric* metric = nullptr;
  MetricSettings settings;
  Measure measure;
};
// Throws as resolve, and for a broken network. Metric networks run in float32 on the compute's device.
OpenMetric open_metric(const MetricSettings& settings, const Compute& compute);

// The same for several; those that aggregate the same rows share one network.
std::vector<OpenMetric> open_metrics(std::span<const MetricSettings> settings, const Compute& compute);
// For each metric the first one that has the same rows: rows are measured and stored for that one alone.
std::vector<std::size_t> row_sources(std::span<const OpenMetric> metrics);

// The files of a folder that the metric's protocol measures.
const ImageRule& image_rule(const OpenMetric& metric);

}  // namespace fewstep
