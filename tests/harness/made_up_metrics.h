#pragma once
#include "harness/score/score.h"
#include "images/files.h"
#include "metrics/feature_statistics.h"

#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// Metrics simple enough to be worked out by hand, so that the way around the networks is tested without any.

constexpr std::array<ProtocolInfo, 1> kColourProtocols{{{"mean-colour"}}};
constexpr std::array<ProtocolInfo, 1> kLengthProtocols{{{"letters"}}};

// What the last batches looked like.
struct Seen {
  std::vector<std::size_t> batches;
  std::vector<std::int64_t> groups;
};

// Features: mean red, green, blue. Score: |mean red of the images − mean red of the reference|.
inline OpenMetric colour_metric(Seen* seen) {
  static Seen* last = nullptr;
  last = seen;
  static const Metric metric{{.name = "colour",
                              .title = "",
                              .source = "",
                              .version = 1,
                              .higher_is_better = false,
                              .needs_reference = true,
                              .needs_prompts = false,
                              .network = {},
                              .protocols = kColourProtocols},
                             nullptr,
                             [](std::string_view, std::span<const float> rows, std::int64_t width,
                                std::span<const std::int64_t> groups, const ReferenceData* reference) {
                               last->groups.assign(groups.begin(), groups.end());
                               Score score;
                               score.count = static_cast<std::int64_t>(rows.size()) / width;
                               double red = 0;
                               for (std::int64_t i = 0; i < score.count; ++i) red += rows[i * width];
                               score.value = std::abs(red / static_cast<double>(score.count) -
                                                      std::any_cast<const Gaussian&>(*reference).mean[0]);
                               return ScoreWithInfluence{score, {}};
                             },
                             &kGaussianReference};
  Measure measure;
  measure.width = 3;
  measure.model_hash = "the-network";
  measure.prepare = [](const Image& image) {
    std::array<double, 3> sum{};
    for (std::size_t k = 0; k < image.rgb.size(); ++k) sum[k % 3] += image.rgb[k];
    std::vector<float> row;
    for (const double of_channel : sum)
      row.push_back(static_cast<float>(of_channel * 3 / static_cast<double>(image.rgb.size())));
    return at::tensor(row).unsqueeze(0);
  };
  measure.run = [](const Tensor& prepared, std::span<const std::string>) {
    last->batches.push_back(static_cast<std::size_t>(prepared.size(0)));
    return to_rows(prepared);
  };
  return {&metric, {.name = "colour", .protocol = "mean-colour", .network = {}}, measure};
}

// Rows: letters of the caption × red of the first pixel. Score: their mean.
inline OpenMetric length_metric() {
  static const Metric metric{
      {.name = "length",
       .title = "",
       .source = "",
       .version = 1,
       .higher_is_better = true,
       .needs_reference = false,
       .needs_prompts = true,
       .network = {},
       .protocols = kLengthProtocols},
      nullptr,
      [](std::string_view, std::span<const float> rows, std::int64_t, std::span<const std::int64_t>,
         const ReferenceData*) {
        double sum = 0;
        for (const float row : rows) sum += row;
        const auto count = static_cast<std::int64_t>(rows.size());
        return ScoreWithInfluence{{sum / static_cast<double>(count), 0.25, count, {"made-up"}}, {}};
      }};
  Measure measure;
  measure.prepare = [](const Image& image) { return at::full({1, 1}, static_cast<double>(image.rgb[0])); };
  measure.run = [](const Tensor& prepared, std::span<const std::string> prompts) {
    std::vector<float> rows = to_rows(prepared);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] *= static_cast<float>(prompts[i].size());
    return rows;
  };
  return {&metric, {.name = "length", .protocol = "letters", .network = {}}, measure};
}

inline void write_plain(const std::filesystem::path& file, std::uint8_t red, int height = 4, int width = 4) {
  Image image{height, width, std::vector<std::uint8_t>(std::size_t{3} * height * width, 7)};
  for (std::size_t i = 0; i < image.rgb.size(); i += 3) image.rgb[i] = red;
  std::filesystem::create_directories(file.parent_path());
  write_png(file, image);
}

}  // namespace fewstep
