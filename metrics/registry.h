#pragma once
#include "core/image.h"
#include "core/tensor.h"
#include "metrics/feature_statistics.h"
#include "metrics/score.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// One [[metric]] of an experiment. protocol empty: the metric's first one.
struct MetricSettings {
  std::string name;               // "fid", "clip-score", "fd-pocket"
  std::string protocol;           // fid: "pytorch-fid" …; clip-score: "transformers", "torchmetrics"; "pocket"
  std::filesystem::path weights;  // fid: Inception safetensors
  std::filesystem::path model;    // clip-score: CLIPModel folder; fd-pocket: feature network's folder
};

// A metric with its network loaded. Each image becomes one row of width numbers (FID: 2048 features; CLIP score: 1).
struct Measure {
  std::int64_t width = 1;
  std::string model_hash;  // goes into every cache key
  // images and their prompts → [B,width] float32 on the CPU. Rows do not depend on the batch beyond 1e-5.
  std::function<Tensor(std::span<const Image> images, std::span<const std::string> prompts)> rows;
};

struct Metric {
  std::string_view name, unit, source;
  int version;  // goes into every cache key: raise it when numbers change
  bool higher_is_better;
  bool needs_reference;
  bool needs_prompts;
  std::span<const std::string_view> protocols;
  Measure (*open)(const MetricSettings& settings, const Compute& compute);
  // rows [N,width]; groups[i] is the prompt of row i; reference may be null where needs_reference is false.
  Score (*aggregate)(std::string_view protocol, std::span<const float> rows, std::int64_t width,
                     std::span<const std::int64_t> groups, const Gaussian* reference);
};

std::span<const Metric> metrics();
const Metric& find_metric(std::string_view name);  // throws Error (kUsage) with the nearest known name
// Checks protocol and paths before anything is loaded; fills in the default protocol. Throws Error: kUsage for an
// unknown name or a missing setting, kInput for a path that leads nowhere.
MetricSettings resolve(MetricSettings settings);

}  // namespace fewstep
