#include "models/clip.h"

#include "models/checkpoint_files.h"
#include "models/clip_config.h"
#include "models/clip_encoder.h"

#include <ATen/ops/tensor.h>

#include <algorithm>
#include <vector>

namespace fewstep {
namespace {

constexpr std::int64_t kClipTokens = 77;

}  // namespace

Clip load_clip(const std::filesystem::path& folder, const Compute& compute) {
  const Compute exact{compute.device, at::kFloat};
  const ClipConfigs configs = read_clip_config(folder / "config.json");
  Weights weights = Weights::open(find_weights(folder, "model"), exact);
  ClipText text = take_clip_text(weights, configs.text, exact, true);
  ClipVision vision = take_clip_vision(weights, configs.vision, exact);
  weights.take("logit_scale", {}, kOnes);  // CLIP scores are cosines; the scale belongs to the training loss
  weights.expect_all_taken();
  // The processor's length of a text, which published folders leave out or give as 1e30.
  const auto tokens = std::min(kClipTokens, std::max<std::int64_t>(3, configs.text.positions));
  return {std::move(text), std::move(vision), Tokenizer::open(folder, tokens)};
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
