#include "models/clip.h"

#include "core/files.h"
#include "formats/json.h"
#include "models/checkpoint_files.h"
#include "models/clip_config.h"
#include "models/clip_encoder.h"

#include <ATen/ops/tensor.h>
#include <nlohmann/json.hpp>

#include <set>
#include <vector>

namespace fewstep {
namespace {

// Of a single file its own hash; of shards the hash over "name hash" lines.
std::string hash_of_weights(const std::filesystem::path& path) {
  if (path.extension() != ".json") return sha256_file(path);
  std::set<std::string> shards;
  const nlohmann::json index = read_json_object(path);
  for (const auto& [tensor, shard] : index.at("weight_map").items()) shards.insert(shard.get<std::string>());
  std::string lines;
  for (const auto& shard : shards) lines += shard + " " + sha256_file(path.parent_path() / shard) + "\n";
  return sha256(lines);
}

}  // namespace

Clip load_clip(const std::filesystem::path& folder, const Compute& compute) {
  const Compute exact{compute.device, at::kFloat};
  use_exact_float32();
  const ClipConfigs configs = read_clip_config(folder / "config.json");
  const auto path = find_weights(folder, "model");
  Weights weights = Weights::open(path, exact);
  ClipText text = take_clip_text(weights, configs.text, exact, true);
  ClipVision vision = take_clip_vision(weights, configs.vision, exact);
  weights.take("logit_scale", {});  // CLIP scores are cosines; the scale belongs to the training loss
  weights.expect_all_taken();
  return {std::move(text), std::move(vision), Tokenizer::open(folder), hash_of_weights(path)};
}

Tensor token_ids(const Tokenizer& tokenizer, std::span<const std::string> captions) {
  std::vector<std::int64_t> ids;
  for (const auto& caption : captions) {
    const auto row = tokenizer.encode(caption);
    ids.insert(ids.end(), row.begin(), row.end());
  }
  return at::tensor(ids, at::kLong).view({static_cast<std::int64_t>(captions.size()), tokenizer.max_length()});
}

}  // namespace fewstep
