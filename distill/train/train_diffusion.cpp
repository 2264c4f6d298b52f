#include "checkpoints/checkpoint_writer.h"
#include "checkpoints/scheduler_config.h"
#include "core/error.h"
#include "core/files.h"
#include "distill/diffusion.h"
#include "distill/draws.h"
#include "distill/method.h"
#include "distill/student.h"

#include <fmt/format.h>

#include <ATen/ATen.h>

namespace fewstep {
namespace {

FrozenParts parts_of(const Recipe& recipe, at::Device device) {
  const Compute compute{device, at::kFloat};
  return {load_vae(recipe.vae, compute), load_clip_text(recipe.text_encoder, compute),
          Tokenizer::open(recipe.tokenizer), hash_of_parts(recipe.vae, recipe.text_encoder, recipe.tokenizer)};
}

void check_fit(const UnetConfig& config, const FrozenParts& parts, const std::filesystem::path& where) {
  const auto expect = [&](const char* what, std::int64_t expected, std::int64_t got) {
    if (expected == got) return;
    throw input_error(where.string(),
                      fmt::format("expected {} {}, as VAE and text encoder have it, got {}", what, expected, got));
  };
  expect("in_channels", parts.vae.config.latent_channels, config.in_channels);
  expect("out_channels", parts.vae.config.latent_channels, config.out_channels);
  expect("cross_attention_dim", parts.text.config.hidden_size, config.cross_attention_dim);
}

}  // namespace

bool train_diffusion(const Recipe& recipe, TrainingContext& context) {
  const FrozenParts parts = parts_of(recipe, context.device);
  const UnetConfig config = read_unet_config(recipe.network);
  check_fit(config, parts, recipe.network);
  CheckpointInfo info;
  info.prediction = recipe.diffusion.prediction;
  const Schedule schedule = schedule_of(info);
  const auto data = latents_of(recipe, context, parts);
  if (!data) return false;

  const auto start = fresh_unet(config, recipe.seed);
  Phase phase{"diffusion",
              recipe.train.steps,
              trainable_copy(start, context.device),
              trainable_copy(start, context.device),
              recipe.diffusion.ema,
              {}};
  const DiffusionNetwork network{make_unet(config, phase.parameters, {context.device, at::kFloat}), info.prediction};
  const Tensor empty = data->empty_states().to(context.device);
  BatchOrder order(data->count(), recipe.train.batch, recipe.seed);
  phase.loss = [&](std::int64_t step, at::Generator& generator) {
    const auto drawn = data->batch(order.rows(step), generator, context.device);
    const Tensor noise = draw_noise(drawn.latents, generator);
    const auto times = draw_indices(info.num_train_timesteps, recipe.train.batch, generator);
    const Tensor dropped = at::rand({recipe.train.batch, 1, 1}, generator, at::TensorOptions(at::kFloat))
                               .lt(recipe.diffusion.caption_dropout)
                               .to(context.device);
    return diffusion_loss(network, drawn.latents, noise, at::where(dropped, empty, drawn.states),
                          levels_at(schedule, times, context.device));
  };
  if (!train(phase, recipe.train, recipe.seed, context.device, context.state, context.hooks)) return false;

  info.kind = CheckpointKind::kTeacher;
  CheckpointContent content{
      NetworkContent{config_json(config), recipe.diffusion.ema > 0 ? phase.average : phase.parameters},
      recipe.vae,
      recipe.text_encoder,
      scheduler_json(info),
      recipe.tokenizer,
      scalar_type(recipe.dtype),
      provenance_of(recipe, context, {{"parts", parts.hash}})};
  make_folders(recipe.output.parent_path());
  write_checkpoint(recipe.output, content, true);
  return true;
}

}  // namespace fewstep
