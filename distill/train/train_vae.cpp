#include "checkpoints/checkpoint_writer.h"
#include "distill/image_data.h"
#include "distill/method.h"
#include "distill/network.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <numeric>

namespace fewstep {
namespace {

Tensor images_of(const Recipe& recipe, const TrainingContext& context, std::span<const std::int64_t> rows) {
  return from_images(read_batch(context.images, rows, recipe.data.resolution).images).to(context.device);
}

Tensor drawn(const LatentMoments& moments, at::Generator& generator) {
  const Tensor noise = at::randn(moments.mean.sizes(), generator, at::TensorOptions(at::kFloat));
  return moments.mean + (0.5 * moments.logvar).exp() * noise.to(moments.mean.device());
}

// Reconstruction in l1 and squared l2, and the Kullback–Leibler divergence from a standard normal, all as means.
Tensor vae_loss(const VaeSettings& settings, const Vae& vae, const Tensor& images, at::Generator& generator) {
  const LatentMoments moments = encode(vae, images);
  const Tensor error = decode(vae, drawn(moments, generator)).to(at::kFloat) - images;
  const Tensor divergence =
      0.5 * (moments.mean.square() + moments.logvar.exp() - 1 - moments.logvar).to(at::kFloat).mean();
  return settings.l1 * error.abs().mean() + settings.l2 * error.square().mean() + settings.kl * divergence;
}

// 1 / the deviation of latents, over the first images: what makes them unit variance for the UNet.
double scaling_factor(const Recipe& recipe, const TrainingContext& context, const Vae& vae) {
  const c10::NoGradGuard no_grad;
  constexpr std::int64_t kRows = 1024, kBatch = 64;
  std::vector<Tensor> means;
  for (std::int64_t first = 0; first < std::min(kRows, context.images.count); first += kBatch) {
    std::vector<std::int64_t> rows(static_cast<std::size_t>(std::min(kBatch, context.images.count - first)));
    std::iota(rows.begin(), rows.end(), first);
    means.push_back(encode(vae, images_of(recipe, context, rows)).mean);
  }
  return 1 / at::cat(means).to(at::kDouble).std().item<double>();
}

}  // namespace

bool train_vae(const Recipe& recipe, TrainingContext& context) {
  VaeConfig config = read_vae_config(recipe.network);
  check_resolution(recipe, config);
  config.scaling_factor = 1;
  Phase phase{"vae", recipe.train.steps, trainable_copy(fresh_vae(config, recipe.seed), context.device), {}, 0, {}};
  const Vae vae = make_vae(config, phase.parameters, {context.device, at::kFloat});
  BatchOrder order(context.images.count, recipe.train.batch, recipe.seed);
  phase.loss = [&](std::int64_t step, at::Generator& generator) {
    return vae_loss(recipe.vae_loss, vae, images_of(recipe, context, order.rows(step)), generator);
  };
  if (!train(phase, recipe.train, recipe.seed, context.device, context.state, context.hooks)) return false;
  config.scaling_factor = scaling_factor(recipe, context, vae);
  write_network_folder(recipe.output, {config_json(config), phase.parameters}, "diffusion_pytorch_model",
                       scalar_type(recipe.dtype), provenance_of(recipe, context));
  return true;
}

}  // namespace fewstep
