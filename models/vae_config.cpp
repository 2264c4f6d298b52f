#include "models/config.h"
#include "models/vae.h"

#include "core/error.h"

#include <fmt/format.h>

#include <string>

namespace fewstep {

VaeConfig read_vae_config(const std::filesystem::path& config_json) {
  Config config = Config::read(config_json, {"AutoencoderKL"});
  config.only("_class_name", "AutoencoderKL");
  // sample_size is where diffusers starts tiling on request; force_upcast speaks to SDXL's pipelines alone.
  config.without_effect("sample_size force_upcast");
  VaeConfig vae;
  vae.in_channels = config.integer("in_channels");
  vae.out_channels = config.integer("out_channels");
  vae.latent_channels = config.integer("latent_channels");
  vae.layers_per_block = config.integer("layers_per_block");
  vae.norm_num_groups = config.integer("norm_num_groups");
  vae.block_out_channels = config.integers("block_out_channels");
  vae.scaling_factor = config.number("scaling_factor");
  vae.mid_block_attention = config.boolean("mid_block_add_attention");
  vae.quant_conv = config.boolean("use_quant_conv");
  vae.post_quant_conv = config.boolean("use_post_quant_conv");
  const auto blocks = vae.block_out_channels.size();
  const auto down = config.texts("down_block_types", {"DownEncoderBlock2D"}).size();
  const auto up = config.texts("up_block_types", {"UpDecoderBlock2D"}).size();
  if (down != blocks || up != blocks) {
    throw input_error(
        config.where(),
        fmt::format("expected as many down_block_types and up_block_types as block_out_channels, {}, got {} and {}",
                    blocks, down, up));
  }
  if (!(vae.scaling_factor > 0)) {
    throw input_error(config.where(), fmt::format("expected a scaling_factor above 0, got {}", vae.scaling_factor));
  }
  config.finish();
  return vae;
}

nlohmann::json config_json(const VaeConfig& config) {
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

}  // namespace fewstep
