#include "checkpoints/checkpoint_writer.h"
#include "distill/contrastive.h"
#include "distill/image_data.h"
#include "distill/method.h"
#include "distill/network.h"
#include "models/clip_config.h"
#include "models/clip_encoder.h"
#include "models/clip_pixels.h"

#include <ATen/ATen.h>

#include <cmath>

namespace fewstep {
namespace {

constexpr double kFirstTemperature = 0.07, kLargestScale = 100;  // as in CLIP

struct Towers {
  ClipText text;
  ClipVision vision;
};

Towers take_towers(Weights& weights, const ClipConfigs& configs, const Compute& compute) {
  ClipText text = take_clip_text(weights, configs.text, compute, true);
  ClipVision vision = take_clip_vision(weights, configs.vision, compute);
  return {std::move(text), std::move(vision)};
}

std::map<std::string, Tensor> fresh_towers(const ClipConfigs& configs, std::uint64_t seed) {
  std::map<std::string, Tensor> made;
  Weights weights = Weights::fresh(seed, made);
  take_towers(weights, configs, {});
  made.emplace("logit_scale", at::scalar_tensor(-std::log(kFirstTemperature), at::kFloat));
  return made;
}

Tensor pixels_of(const std::vector<Image>& images, std::int64_t size) {
  std::vector<Tensor> pixels;
  for (const Image& image : images) pixels.push_back(clip_pixels(image, size));
  return at::cat(pixels);
}

// What a pipeline needs of the text tower: everything but the projection.
std::map<std::string, Tensor> without_projection(const std::map<std::string, Tensor>& tensors) {
  std::map<std::string, Tensor> text;
  for (const auto& [name, tensor] : tensors)
    if (name.starts_with("text_model.")) text.emplace(name, tensor);
  return text;
}

}  // namespace

bool train_clip(const Recipe& recipe, TrainingContext& context) {
  const ClipConfigs configs = read_clip_config(recipe.network);
  const Tokenizer tokenizer = Tokenizer::open(recipe.tokenizer);
  Phase phase{"clip", recipe.train.steps, trainable_copy(fresh_towers(configs, recipe.seed), context.device), {}, 0,
              {}};
  Weights weights = Weights::of(phase.parameters, "clip");
  const Towers towers = take_towers(weights, configs, {context.device, at::kFloat});
  const Tensor log_scale = phase.parameters.at("logit_scale");
  BatchOrder order(context.images.count, recipe.train.batch, recipe.seed);
  phase.loss = [&](std::int64_t step, at::Generator&) {
    const ImageBatch batch = read_batch(context.images, order.rows(step), recipe.data.resolution);
    const Tensor images = image_embedding(towers.vision, pixels_of(batch.images, configs.vision.image_size));
    const Tensor texts = text_embedding(towers.text, token_ids(tokenizer, batch.captions));
    return contrastive_loss(images.to(at::kFloat), texts.to(at::kFloat), log_scale.clamp_max(std::log(kLargestScale)),
                            batch.captions);
  };
  if (!train(phase, recipe.train, recipe.seed, context.device, context.state, context.hooks)) return false;
  const auto dtype = scalar_type(recipe.dtype);
  write_network_folder(recipe.output, {clip_config_json(configs.text, configs.vision), phase.parameters}, "model",
                       dtype, provenance_of(recipe, context), recipe.tokenizer);
  write_network_folder(recipe.output / "text_encoder",
                       {text_config_json(configs.text), without_projection(phase.parameters)}, "model", dtype, {});
  return true;
}

}  // namespace fewstep
