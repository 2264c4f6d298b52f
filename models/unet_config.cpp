#include "models/config.h"
#include "models/unet.h"

#include "core/error.h"

#include <fmt/format.h>

#include <algorithm>

namespace fewstep {
UnetConfig read_unet_config(const std::filesystem::path& config_json) {
  Config config = Config::read(config_json, {"UNet2DConditionModel"});
  config.only("_class_name", "UNet2DConditionModel");
  // upcast_attention: attention accumulates in float32 here in any case. dropout is for training.
  config.without_effect("upcast_attention dropout addition_embed_type_num_heads");
  UnetConfig unet;
  if (config.has("sample_size")) {  // a number, or height and width
    const auto sizes = config.integer_or_list("sample_size", 2);
    unet.sample_size = {sizes[0], sizes[1]};
  }
  unet.in_channels = config.integer("in_channels");
  unet.out_channels = config.integer("out_channels");
  unet.down_block_types = config.texts("down_block_types", {"CrossAttnDownBlock2D", "DownBlock2D"});
  unet.up_block_types = config.texts("up_block_types", {"CrossAttnUpBlock2D", "UpBlock2D"});
  unet.mid_block_type = config.optional_text("mid_block_type");
  unet.block_out_channels = config.integers("block_out_channels");
  const std::size_t blocks = unet.block_out_channels.size();
  unet.attention_heads = config.integer_or_list("attention_head_dim", blocks);
  unet.layers_per_block = config.integer("layers_per_block");
  unet.cross_attention_dim = config.integer("cross_attention_dim");
  unet.norm_num_groups = config.integer("norm_num_groups");
  unet.norm_eps = config.number("norm_eps");
  unet.use_linear_projection = config.boolean("use_linear_projection");
  unet.flip_sin_to_cos = config.boolean("flip_sin_to_cos");
  unet.freq_shift = config.number("freq_shift");
  unet.time_cond_proj_dim = config.optional_integer("time_cond_proj_dim");
  config.finish();
  check(unet, config_json.string());
  return unet;
}

void check(const UnetConfig& unet, const std::string& where) {
  const std::size_t blocks = unet.block_out_channels.size();
  if (unet.down_block_types.size() != blocks || unet.up_block_types.size() != blocks) {
    throw input_error(
        where,
        fmt::format("expected as many down_block_types and up_block_types as block_out_channels, {}, got {} and {}",
                    blocks, unet.down_block_types.size(), unet.up_block_types.size()));
  }
  if (unet.mid_block_type && *unet.mid_block_type != "UNetMidBlock2DCrossAttn") {
    throw input_error(where,
                      "expected the mid_block_type UNetMidBlock2DCrossAttn or null, got " + *unet.mid_block_type);
  }
  for (std::size_t i = 0; i < blocks; ++i) {
    const auto channels = unet.block_out_channels[i], heads = unet.attention_heads[i];
    if (channels % unet.norm_num_groups != 0 || channels % heads != 0) {
      throw input_error(
          where,
          fmt::format(
              "expected block_out_channels divisible by norm_num_groups and by the number of heads, got {}, {} and {}",
              channels, unet.norm_num_groups, heads));
    }
  }
}

nlohmann::json config_json(const UnetConfig& config) {
  nlohmann::json object{{"_class_name", "UNet2DConditionModel"},
                        {"sample_size", config.sample_size[0]},
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
  if (config.sample_size[0] != config.sample_size[1]) object["sample_size"] = config.sample_size;
  return object;
}

}  // namespace fewstep
