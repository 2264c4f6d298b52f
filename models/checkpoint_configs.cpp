#include "models/checkpoint_writer.h"

namespace fewstep {

using nlohmann::json;

json config_json(const UnetConfig& config) {
  json object{{"_class_name", "UNet2DConditionModel"},
              {"sample_size", config.sample_size},
              {"in_channels", config.in_channels},
              {"out_channels", config.out_channels},
              {"down_block_types", config.down_block_types},
              {"up_block_types", config.up_block_types},
              {"mid_block_type", nullptr},
              {"block_out_channels", config.block_out_channels},
              {"attention_head_dim", config.attention_heads},
              {"layers_per_block", config.layers_per_block},
              {"cross_attention_dim", config.cross_attention_dim},
              {"norm_num_groups", config.norm_num_groups},
              {"norm_eps", config.norm_eps},
              {"use_linear_projection", config.use_linear_projection},
              {"flip_sin_to_cos", config.flip_sin_to_cos},
              {"freq_shift", config.freq_shift},
              {"time_cond_proj_dim", nullptr}};
  if (config.mid_block_type) object["mid_block_type"] = *config.mid_block_type;
  if (config.time_cond_proj_dim) object["time_cond_proj_dim"] = *config.time_cond_proj_dim;
  return object;
}

json config_json(const VaeConfig& config) {
  const std::size_t blocks = config.block_out_channels.size();
  return {{"_class_name", "AutoencoderKL"},
          {"in_channels", config.in_channels},
          {"out_channels", config.out_channels},
          {"latent_channels", config.latent_channels},
          {"layers_per_block", config.layers_per_block},
          {"norm_num_groups", config.norm_num_groups},
          {"block_out_channels", config.block_out_channels},
          {"down_block_types", std::vector<std::string>(blocks, "DownEncoderBlock2D")},
          {"up_block_types", std::vector<std::string>(blocks, "UpDecoderBlock2D")},
          {"scaling_factor", config.scaling_factor},
          {"mid_block_add_attention", config.mid_block_attention},
          {"use_quant_conv", config.quant_conv},
          {"use_post_quant_conv", config.post_quant_conv}};
}

json text_config_json(const ClipTowerConfig& config) {
  return {{"architectures", json::array({"CLIPTextModel"})},
          {"model_type", "clip_text_model"},
          {"vocab_size", config.vocab_size},
          {"hidden_size", config.hidden_size},
          {"intermediate_size", config.intermediate_size},
          {"num_hidden_layers", config.layers},
          {"num_attention_heads", config.heads},
          {"max_position_embeddings", config.positions},
          {"projection_dim", config.projection_dim},
          {"hidden_act", config.hidden_act},
          {"layer_norm_eps", config.layer_norm_eps},
          {"eos_token_id", config.eos_token_id}};
}

json clip_config_json(const ClipTowerConfig& text, const ClipTowerConfig& vision) {
  json text_config = text_config_json(text);
  text_config.erase("architectures");
  return {{"architectures", json::array({"CLIPModel"})},
          {"model_type", "clip"},
          {"projection_dim", text.projection_dim},
          {"logit_scale_init_value", 2.6592},
          {"text_config", text_config},
          {"vision_config",
           {{"model_type", "clip_vision_model"},
            {"hidden_size", vision.hidden_size},
            {"intermediate_size", vision.intermediate_size},
            {"num_hidden_layers", vision.layers},
            {"num_attention_heads", vision.heads},
            {"projection_dim", vision.projection_dim},
            {"image_size", vision.image_size},
            {"patch_size", vision.patch_size},
            {"num_channels", vision.channels},
            {"hidden_act", vision.hidden_act},
            {"layer_norm_eps", vision.layer_norm_eps}}}};
}

json scheduler_json(const CheckpointInfo& info) {
  json object{{"beta_schedule", info.beta_schedule},
              {"beta_start", info.beta_start},
              {"beta_end", info.beta_end},
              {"num_train_timesteps", info.num_train_timesteps},
              {"prediction_type", name_of(info.prediction)},
              {"steps_offset", info.steps_offset},
              {"clip_sample", false},
              {"set_alpha_to_one", true}};
  if (info.kind == CheckpointKind::kConsistency) {
    object["_class_name"] = "LCMScheduler";
    object["timestep_scaling"] = info.timestep_scaling;
    object["original_inference_steps"] = info.original_inference_steps;
  } else {
    object["_class_name"] = "DDIMScheduler";
    object["timestep_spacing"] = "trailing";
  }
  return object;
}

}  // namespace fewstep
