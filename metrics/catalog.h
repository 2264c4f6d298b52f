#pragma once
#include <array>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace fewstep {

// The network that a metric measures with, as users name it.
struct NetworkSlot {
  std::string_view option;    // of the command line
  std::string_view key;       // of [[metric]]
  bool is_folder;             // else a file
  std::string_view noun;      // "CLIP model"
  std::string_view expected;  // "the folder of a CLIPModel"
};

// A metric as everything but its own arithmetic knows it; metrics/registry.cpp holds the functions. No LibTorch.
struct MetricInfo {
  std::string_view name, title, source;
  int version;  // goes into every cache key: raise it when numbers change
  bool higher_is_better, needs_reference, needs_prompts;
  NetworkSlot network;
  std::span<const std::string_view> protocols;  // the first is the default
};

inline constexpr std::array<std::string_view, 4> kFidProtocols{"pytorch-fid", "torch-fidelity", "torchmetrics",
                                                               "clean-fid"};
inline constexpr std::array<std::string_view, 2> kClipScoreProtocols{"transformers", "torchmetrics"};
inline constexpr std::array<std::string_view, 1> kFdPocketProtocols{"pocket"};

inline constexpr std::array<MetricInfo, 3> kMetrics{{
    {.name = "fid",
     .title = "FID",
     .source = "Heusel et al. 2017, arXiv:1706.08500",
     .version = 1,
     .higher_is_better = false,
     .needs_reference = true,
     .needs_prompts = false,
     .network = {"--inception", "weights", false, "weights", "a safetensors file of FID's Inception-v3"},
     .protocols = kFidProtocols},
    {.name = "clip-score",
     .title = "CLIP score",
     .source = "Hessel et al. 2021, arXiv:2104.08718",
     .version = 1,
     .higher_is_better = true,
     .needs_reference = false,
     .needs_prompts = true,
     .network = {"--clip", "model", true, "CLIP model", "the folder of a CLIPModel"},
     .protocols = kClipScoreProtocols},
    {.name = "fd-pocket",
     .title = "FD (pocket)",
     .source = "Heusel et al. 2017, arXiv:1706.08500, in the features of models/feature_net.h",
     .version = 1,
     .higher_is_better = false,
     .needs_reference = true,
     .needs_prompts = false,
     .network = {"--feature-net", "model", true, "feature network", "the folder of a feature network"},
     .protocols = kFdPocketProtocols},
}};

// A metric of an experiment or a command.
struct MetricSettings {
  std::string name, protocol;     // an empty protocol is the metric's first one
  std::filesystem::path network;  // empty: not given
};

}  // namespace fewstep
