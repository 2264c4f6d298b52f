#pragma once
#include "images/image_rule.h"

#include <array>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace fewstep {

// The network that a metric measures with, as users name it.
struct NetworkSlot {
  std::string_view option;                      // of the command line
  std::string_view key;                         // of [[metric]]
  bool is_folder;                               // else a file
  std::string_view noun;                        // "CLIP model"
  std::string_view expected;                    // "the folder of a CLIPModel"
  std::span<const std::string_view> published;  // under which it lies in a folder of weights, the first that is there
};

// A way to measure that some public package has, and the files of a folder that it measures.
struct ProtocolInfo {
  std::string_view name;
  ImageRule images = kImageRule;
};

// A metric as everything but its own arithmetic knows it; metrics/registry.cpp holds the functions. No LibTorch.
struct MetricInfo {
  std::string_view name, title, source;
  int version;  // goes into every cache key: raise it when numbers change
  bool higher_is_better, needs_reference, needs_prompts;
  NetworkSlot network;
  std::span<const ProtocolInfo> protocols;  // the first is the default
  std::string_view rows_of = name;          // the metric whose rows it aggregates: they are measured and stored once
  // How much worse a candidate may be by default: a part of the baseline's value, or in the metric's unit.
  double margin = 0.03;
  bool margin_is_relative = true;
  // A mean over images, whose standard error falls with √N. Else a distance of two sets of images.
  bool is_mean_of_images = false;
};

inline constexpr std::array<std::string_view, 9> kPytorchFidEndings{".bmp", ".jpg", ".jpeg", ".pgm", ".png",
                                                                    ".ppm", ".tif", ".tiff", ".webp"};
inline constexpr std::array<std::string_view, 3> kTorchFidelityEndings{".png", ".jpg", ".jpeg"};
inline constexpr std::array<std::string_view, 13> kCleanFidEndings{
    ".bmp", ".jpg", ".jpeg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp", ".npy", ".JPEG", ".JPG", ".PNG"};

inline constexpr std::array<ProtocolInfo, 4> kFidProtocols{{{"pytorch-fid", {kPytorchFidEndings, false, false}},
                                                            {"torch-fidelity", {kTorchFidelityEndings, true, false}},
                                                            {"torchmetrics"},  // is given tensors
                                                            {"clean-fid", {kCleanFidEndings, false, true}}}};
inline constexpr std::array<ProtocolInfo, 2> kClipScoreProtocols{{{"transformers"}, {"torchmetrics"}}};
inline constexpr std::array<ProtocolInfo, 1> kFdPocketProtocols{{{"pocket"}}};

// pytorch-fid's and torch-fidelity's file, converted; CLIPs in the order in which papers use them.
inline constexpr std::array<std::string_view, 2> kInceptionNames{"inception-v3-fid.safetensors",
                                                                 "pt_inception-2015-12-05-6726825d.safetensors"};
inline constexpr std::array<std::string_view, 4> kClipNames{"clip-vit-large-patch14", "clip-vit-base-patch16",
                                                            "clip-vit-base-patch32", "CLIP-ViT-g-14-laion2B-s12B-b42K"};

inline constexpr NetworkSlot kInception{
    "--inception", "weights", false, "weights", "a safetensors file of FID's Inception-v3", kInceptionNames};
inline constexpr NetworkSlot kClipModel{"--clip", "model", true, "CLIP model", "the folder of a CLIPModel", kClipNames};
inline constexpr NetworkSlot kFeatureNet{
    "--feature-net", "model", true, "feature network", "the folder of a feature network", {}};

inline constexpr std::array<MetricInfo, 5> kMetrics{{
    {.name = "fid",
     .title = "FID",
     .source = "Heusel et al. 2017, arXiv:1706.08500",
     .version = 1,
     .higher_is_better = false,
     .needs_reference = true,
     .needs_prompts = false,
     .network = kInception,
     .protocols = kFidProtocols},
    {.name = "fid-infinity",
     .title = "FID∞",
     .source = "Chong & Forsyth 2020, arXiv:1911.07023",
     .version = 1,
     .higher_is_better = false,
     .needs_reference = true,
     .needs_prompts = false,
     .network = kInception,
     .protocols = kFidProtocols,
     .rows_of = "fid"},
    {.name = "clip-score",
     .title = "CLIP score",
     .source = "Hessel et al. 2021, arXiv:2104.08718",
     .version = 1,
     .higher_is_better = true,
     .needs_reference = false,
     .needs_prompts = true,
     .network = kClipModel,
     .protocols = kClipScoreProtocols,
     .margin = 0.2,  // of 100·cos
     .margin_is_relative = false,
     .is_mean_of_images = true},
    {.name = "fd-pocket",
     .title = "FD (pocket)",
     .source = "Heusel et al. 2017, arXiv:1706.08500, in the features of models/feature_net.h",
     .version = 1,
     .higher_is_better = false,
     .needs_reference = true,
     .needs_prompts = false,
     .network = kFeatureNet,
     .protocols = kFdPocketProtocols},
    {.name = "fd-pocket-infinity",
     .title = "FD∞ (pocket)",
     .source = "Chong & Forsyth 2020, arXiv:1911.07023, in the features of models/feature_net.h",
     .version = 1,
     .higher_is_better = false,
     .needs_reference = true,
     .needs_prompts = false,
     .network = kFeatureNet,
     .protocols = kFdPocketProtocols,
     .rows_of = "fd-pocket"},
}};

// Null for a name that this version does not know.
constexpr const MetricInfo* known_metric(std::string_view name) {
  for (const MetricInfo& metric : kMetrics)
    if (metric.name == name) return &metric;
  return nullptr;
}
constexpr bool is_mean_of_images(std::string_view metric) {
  const MetricInfo* known = known_metric(metric);
  return known && known->is_mean_of_images;
}

// Behind a protocol's name: its network runs in TF32 instead of exact float32, on CUDA alone. Such a protocol is
// another one wherever numbers are kept or compared.
inline constexpr std::string_view kTf32 = "+tf32";
inline constexpr std::array<std::string_view, 2> kMetricPrecisions{"float32", "tf32"};
constexpr bool is_tf32(std::string_view protocol) { return protocol.ends_with(kTf32); }
constexpr std::string_view without_precision(std::string_view protocol) {
  return is_tf32(protocol) ? protocol.substr(0, protocol.size() - kTf32.size()) : protocol;
}

// A metric of an experiment or a command.
struct MetricSettings {
  std::string name, protocol;     // an empty protocol is the metric's first one
  std::filesystem::path network;  // empty: not given
};

}  // namespace fewstep
