#pragma once
#include "core/tensor.h"
#include "models/recordings.h"
#include "models/unet_blocks.h"

#include <nlohmann/json_fwd.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fewstep {

// config.json of diffusers' UNet2DConditionModel, as far as SD 1.5, SD 2.1 and LCM use it. Any other key must have
// its default value: an unsupported one is refused by name.
struct UnetConfig {
  std::array<std::int64_t, 2> sample_size{64, 64};  // height and width of the latents
  std::int64_t in_channels = 4, out_channels = 4;
  std::vector<std::string> down_block_types, up_block_types;
  std::optional<std::string> mid_block_type = "UNetMidBlock2DCrossAttn";  // absent: no mid block
  std::vector<std::int64_t> block_out_channels, attention_heads;          // diffusers' attention_head_dim counts heads
  std::int64_t layers_per_block = 2, cross_attention_dim = 768, norm_num_groups = 32;
  double norm_eps = 1e-5;
  bool use_linear_projection = false, flip_sin_to_cos = true;
  double freq_shift = 0;
  std::optional<std::int64_t> time_cond_proj_dim;  // present: takes an omega embedding (LCM, Guided-Distill)
};
UnetConfig read_unet_config(const std::filesystem::path& config_json);  // throws Error (kInput)
nlohmann::json config_json(const UnetConfig& config);                   // as diffusers writes it
// Sizes that belong together do; where names the source in errors.
void check(const UnetConfig& config, const std::string& where);

struct UnetWeights;  // opaque: plain structs of layers
struct Unet {
  UnetConfig config;
  std::shared_ptr<const UnetWeights> weights;
  Compute compute;
  std::shared_ptr<Recordings> recordings = std::make_shared<Recordings>();  // of small batches on CUDA
};
// folder holds config.json and diffusion_pytorch_model.safetensors (or its index.json, or the .fp16 variant).
Unet load_unet(const std::filesystem::path& folder, const Compute& compute);
// Makes the network of tensors in memory, under diffusers' names (tests, training).
Unet make_unet(const UnetConfig& config, std::map<std::string, Tensor> tensors, const Compute& compute);

// Untrained tensors of a network of this configuration, by name (Weights::fresh).
std::map<std::string, Tensor> fresh_unet(const UnetConfig& config, std::uint64_t seed);

// A text as the cross-attention layers see it: their keys and values, which evaluations under it share.
struct UnetContext {
  std::vector<KeysValues> layers;  // in the order of a forward
  bool defined() const { return !layers.empty(); }
};
UnetContext make_context(const Unet& unet, const Tensor& states);  // states [B,tokens,cross_attention_dim]

// x [B,4,h,w]; time [B] float; omega_embedding [B,time_cond_proj_dim] or undefined. Returns the raw prediction
// [B,4,h,w] in compute dtype. Throws Error (kInput) where an omega embedding is there and not expected, or the other
// way round.
Tensor forward(const Unet& unet, const Tensor& x, const Tensor& time, const UnetContext& context,
               const Tensor& omega_embedding = {});
// The same under a text that is used once: states [B,tokens,cross_attention_dim].
Tensor forward(const Unet& unet, const Tensor& x, const Tensor& time, const Tensor& states,
               const Tensor& omega_embedding = {});

// LCM's embedding of omega (already scaled: omega, not guidance_scale): [B] → [B,dim], float32 in diffusers' order of
// operations. Source: diffusers LatentConsistencyModelPipeline.get_guidance_scale_embedding.
Tensor embed_omega(const Tensor& omega, std::int64_t dim);

}  // namespace fewstep
