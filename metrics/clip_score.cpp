#include "metrics/clip_score.h"

#include "core/error.h"
#include "core/files.h"
#include "metrics/catalog.h"
#include "metrics/clustered_error.h"
#include "metrics/measure.h"
#include "models/checkpoint_files.h"
#include "models/clip.h"
#include "models/clip_pixels.h"
#include "models/tokenizer/tokenizer_files.h"

#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace fewstep {
namespace {

constexpr double kScale = 100.0;
constexpr std::size_t kKeptCaptions = 4096;  // a run asks for those of one batch again and again

using Ids = std::vector<std::int64_t>;

Ids transformers_ids(const Clip& clip, const std::string& caption) { return clip.tokenizer.encode(caption); }

Ids torchmetrics_ids(const Clip& clip, const std::string& caption) {
  const auto positions = static_cast<std::size_t>(clip.text.config.positions);
  const Ids words = clip.tokenizer.tokens(caption);
  Ids ids = {clip.tokenizer.start_id()};
  ids.insert(ids.end(), words.begin(), words.end());
  ids.push_back(clip.tokenizer.end_id());
  ids.resize(positions, clip.tokenizer.pad_id());  // cuts what is longer, and the end token with it
  return ids;
}

Tensor unit(const Tensor& embedding) { return embedding.div(embedding.norm(2, -1, /*keepdim=*/true)); }

// All that decides the score: weights, configuration and every tokenizer file, since tokenizer.json is read where it
// stands beside vocab.json. Stores know models by these lines, which is why their format differs from hash_of_files.
std::string hash_of(const std::filesystem::path& folder) {
  const auto line = [](const std::filesystem::path& file) {
    return file.filename().string() + " " + sha256_file(file) + "\n";
  };
  const auto weights = weight_files(find_weights(folder, "model"));
  std::string shards, lines;
  for (std::size_t i = 1; i < weights.size(); ++i) shards += line(weights[i]);
  lines = (shards.empty() ? sha256_file(weights[0]) : sha256(shards)) + "\n" + line(folder / "config.json");
  for (const auto& file : tokenizer_files(folder)) lines += line(file);
  return sha256(lines);
}

class ClipCosines {
 public:
  ClipCosines(Clip clip, Ids (*ids_of)(const Clip&, const std::string&)) : clip_(std::move(clip)), ids_of_(ids_of) {}

  Tensor prepare(const Image& image) const { return clip_pixels(image, clip_.vision.config.image_size); }

  // pixels [B,3,S,S] → [B,1] on the CPU.
  Tensor rows(const Tensor& pixels, std::span<const std::string> captions) {
    if (pixels.size(0) != static_cast<std::int64_t>(captions.size())) {
      throw input_error("clip-score", fmt::format("expected a caption for each of {} images, got {}", pixels.size(0),
                                                  captions.size()));
    }
    std::vector<Tensor> texts;
    for (const std::string& caption : captions) texts.push_back(embedding(caption));
    const Tensor image_units = unit(image_embedding(clip_.vision, pixels.to(clip_.vision.compute.device)));
    return image_units.cpu().mul(at::stack(texts)).sum(1, /*keepdim=*/true).mul_(kScale);
  }

 private:
  // One caption at a time: which of a batch are new depends on what the process measured before, and rounding follows
  // the batch.
  Tensor embedding(const std::string& caption) {
    const auto known = embeddings_.find(caption);
    if (known != embeddings_.end()) return known->second;
    const Tensor ids = at::tensor(ids_of_(clip_, caption)).unsqueeze(0);
    const Tensor units = unit(text_embedding(clip_.text, ids.to(clip_.text.compute.device))).cpu();
    if (embeddings_.size() >= kKeptCaptions) embeddings_.clear();
    return embeddings_.emplace(caption, units[0]).first->second;
  }

  Clip clip_;
  Ids (*ids_of_)(const Clip&, const std::string&);
  std::unordered_map<std::string, Tensor> embeddings_;  // of unit length, on the CPU
};

}  // namespace

Measure open_clip_score(const MetricSettings& settings, const Compute& compute) {
  Clip clip = load_clip(settings.network, compute);
  check_clip_preprocessor(settings.network, clip.vision.config.image_size);
  const std::string hash = compute.device.is_meta() ? "" : hash_of(settings.network);
  const auto cosines = std::make_shared<ClipCosines>(
      std::move(clip), without_precision(settings.protocol) == "torchmetrics" ? torchmetrics_ids : transformers_ids);
  return {1, hash, [cosines](const Image& image) { return cosines->prepare(image); },
          [cosines](const Tensor& pixels, auto captions) { return to_rows(cosines->rows(pixels, captions)); }};
}

Score clip_score(std::string_view protocol, std::span<const float> rows, std::span<const std::int64_t> groups) {
  if (rows.empty() || rows.size() != groups.size()) {
    throw input_error("clip-score",
                      fmt::format("expected rows and a group for each, got {} and {}", rows.size(), groups.size()));
  }
  double sum = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!std::isfinite(rows[i]))
      throw input_error("clip-score", fmt::format("expected finite cosines, got NaN or infinity for image {}", i));
    sum += rows[i];
  }
  Score score;
  score.count = static_cast<std::int64_t>(rows.size());
  score.value = sum / static_cast<double>(score.count);
  std::vector<double> deviations(rows.begin(), rows.end());
  for (double& deviation : deviations) deviation -= score.value;
  score.standard_error = clustered_standard_error(deviations, groups);
  if (protocol == "torchmetrics" && score.value < 0) {
    score.value = 0;
    score.flags.push_back(FlagKind::kClampedAtZero);
  }
  return score;
}

}  // namespace fewstep
