#pragma once
#include "core/tensor.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace fewstep {

// config.json of diffusers' AutoencoderKL; unsupported values are refused by name.
struct VaeConfig {
  std::int64_t in_channels = 3, out_channels = 3, latent_channels = 4, layers_per_block = 2, norm_num_groups = 32;
  std::vector<std::int64_t> block_out_channels;
  double scaling_factor = 0.18215;
  bool mid_block_attention = true, quant_conv = true, post_quant_conv = true;
  std::int64_t downscale() const { return std::int64_t{1} << (block_out_channels.size() - 1); }
};
VaeConfig read_vae_config(const std::filesystem::path& config_json);  // throws Error (kInput)
nlohmann::json config_json(const VaeConfig& config);                  // as diffusers writes it

struct VaeWeights;
struct Vae {
  VaeConfig config;
  std::shared_ptr<const VaeWeights> weights;
  Compute compute;
};
// folder holds config.json and diffusion_pytorch_model.safetensors (or its index.json, or the .fp16 variant).
Vae load_vae(const std::filesystem::path& folder, const Compute& compute);
// Makes the network of tensors in memory, under diffusers' names (tests, training).
Vae make_vae(const VaeConfig& config, std::map<std::string, Tensor> tensors, const Compute& compute);

// Untrained tensors of a network of this configuration, by name (Weights::fresh).
std::map<std::string, Tensor> fresh_vae(const VaeConfig& config, std::uint64_t seed);

// Latents as the UNet sees them [B,4,h,w] (divided by scaling_factor here) → images [B,3,H,W], about −1..1.
Tensor decode(const Vae& vae, const Tensor& latents);
struct LatentMoments {
  Tensor mean, logvar;  // [B,4,h,w] each, unscaled; logvar clamped to −30..20
};
LatentMoments encode(const Vae& vae, const Tensor& images);

}  // namespace fewstep
