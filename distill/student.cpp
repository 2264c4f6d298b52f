#include "distill/student.h"

#include "checkpoints/checkpoint_writer.h"
#include "checkpoints/scheduler_config.h"
#include "checkpoints/sd.h"
#include "core/error.h"
#include "core/files.h"
#include "distill/consistency.h"
#include "distill/image_data.h"
#include "models/checkpoint_files.h"
#include "models/weights.h"

#include <ATen/ATen.h>

namespace fewstep {

Parent load_parent(const Recipe& recipe, CheckpointKind kind, at::Device device) {
  const Compute compute{device, at::kFloat};
  CheckpointInfo info = inspect_checkpoint(recipe.parent);
  if (info.kind != kind) {
    const char* wanted = kind == CheckpointKind::kTeacher ? "a plain diffusion model as teacher"
                                                          : "a consistency model (LCMScheduler) to fine-tune";
    throw usage_error(recipe.file.string(), std::string("expected ") + wanted + ", got a " +
                                                std::string(name_of(info.kind)) + " in " + recipe.parent.string());
  }
  SdNetworks networks = load_sd_networks(recipe.parent, compute);
  DiffusionNetwork network{networks.unet, info.prediction, info.timestep_scaling};
  FrozenParts parts{networks.vae, networks.text, networks.tokenizer, info.hash};
  auto tensors = load_tensors(find_weights(recipe.parent / "unet", "diffusion_pytorch_model"));
  const Schedule schedule = schedule_of(info);
  return {std::move(info), schedule, std::move(parts), std::move(network), std::move(tensors)};
}

UnetConfig student_config(const Parent& parent, std::int64_t omega_embedding_dim) {
  UnetConfig config = parent.network.unet.config;
  if (!config.time_cond_proj_dim) config.time_cond_proj_dim = omega_embedding_dim;
  return config;
}

std::map<std::string, Tensor> student_tensors(const Parent& parent, std::int64_t omega_embedding_dim) {
  auto tensors = parent.tensors;
  const auto channels = parent.network.unet.config.block_out_channels[0];
  if (!parent.network.unet.config.time_cond_proj_dim)
    tensors.emplace("time_embedding.cond_proj.weight", at::zeros({channels, omega_embedding_dim}));
  return tensors;
}

DiffusionNetwork network_over(const UnetConfig& config, const std::map<std::string, Tensor>& tensors,
                              const Parent& parent, at::Device device) {
  return {make_unet(config, tensors, {device, at::kFloat}), parent.info.prediction, parent.info.timestep_scaling};
}

std::optional<LatentData> latents_of(const Recipe& recipe, TrainingContext& context, const FrozenParts& parts) {
  check_resolution(recipe, parts.vae.config);
  LatentData data(
      context.images, recipe.data.resolution, parts, cache_folder(recipe),
      [&](std::int64_t done) { context.encoded(done, context.images.count); }, context.hooks.stop);
  if (!data.complete()) return {};
  return data;
}

void write_student(const std::filesystem::path& folder, const Recipe& recipe, const TrainingContext& context,
                   const Parent& parent, CheckpointKind kind, const UnetConfig& config,
                   const std::map<std::string, Tensor>& tensors) {
  CheckpointInfo info = parent.info;
  info.kind = kind;
  info.omega_embedding = config.time_cond_proj_dim.has_value();
  if (kind == CheckpointKind::kConsistency) {
    info.original_inference_steps = static_cast<int>(time_pairs(parent.schedule, recipe.consistency.skip_step));
  }
  CheckpointContent content{
      NetworkContent{config_json(config), tensors},
      parent.info.folder / "vae",
      parent.info.folder / "text_encoder",
      scheduler_json(info),
      parent.info.folder / "tokenizer",
      scalar_type(recipe.dtype),
      provenance_of(recipe, context, {{parent.info.folder.filename().string(), parent.info.hash}})};
  make_folders(folder.parent_path());
  write_checkpoint(folder, content, true);
}

}  // namespace fewstep
