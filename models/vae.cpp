#include "models/vae.h"

#include "core/error.h"
#include "models/checkpoint_files.h"
#include "models/unet_blocks.h"
#include "models/upsample_conv.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>

namespace fewstep {
namespace {

constexpr double kEps = 1e-6;  // of every group norm, whatever the configuration says

struct PixelAttention {  // one head over all pixels
  Norm norm;
  Linear q, k, v, out;
};
struct MidBlock {
  ResnetBlock first, second;
  std::optional<PixelAttention> attention;
};
struct EncoderStage {
  std::vector<ResnetBlock> resnets;
  std::optional<Conv2d> downsample;
};
struct DecoderStage {
  std::vector<ResnetBlock> resnets;
  std::optional<UpsampleConv> upsample;
};
struct Encoder {
  Conv2d conv_in, conv_out;
  std::vector<EncoderStage> stages;
  MidBlock mid;
  Norm norm_out;
  std::optional<Conv2d> quant;
};
struct Decoder {
  Conv2d conv_in, conv_out;
  std::vector<DecoderStage> stages;
  MidBlock mid;
  Norm norm_out;
  std::optional<Conv2d> post_quant;
};

}  // namespace

struct VaeWeights {
  Encoder encoder;
  Decoder decoder;
};

namespace {

class Builder {
 public:
  Builder(const VaeConfig& config, Weights& weights) : config_(config), weights_(weights) {}

  VaeWeights build() {
    VaeWeights vae{encoder(), decoder()};
    weights_.expect_all_taken();
    return vae;
  }

 private:
  ResnetBlock resnet(const std::string& name, std::int64_t in, std::int64_t out) {
    return take_resnet(weights_, name, in, out, config_.norm_num_groups, kEps, 0);
  }

  std::vector<ResnetBlock> resnets(const std::string& name, std::int64_t count, std::int64_t in, std::int64_t out) {
    std::vector<ResnetBlock> blocks;
    for (std::int64_t i = 0; i < count; ++i) {
      blocks.push_back(resnet(fmt::format("{}.resnets.{}", name, i), i == 0 ? in : out, out));
    }
    return blocks;
  }

  // Files of before 2023, SD 1.5's among them, have the attention under other names.
  Linear projection(const std::string& name, const std::string& now, const std::string& before) {
    const auto channels = config_.block_out_channels.back();
    return take_linear(weights_, name + (weights_.has(name + before + ".weight") ? before : now), channels, channels);
  }

  MidBlock mid_block(const std::string& name) {
    const auto channels = config_.block_out_channels.back();
    MidBlock mid{resnet(name + ".resnets.0", channels, channels), resnet(name + ".resnets.1", channels, channels), {}};
    if (!config_.mid_block_attention) return mid;
    const std::string layer = name + ".attentions.0";
    mid.attention =
        PixelAttention{take_group_norm(weights_, layer + ".group_norm", config_.norm_num_groups, channels, kEps),
                       projection(layer, ".to_q", ".query"), projection(layer, ".to_k", ".key"),
                       projection(layer, ".to_v", ".value"), projection(layer, ".to_out.0", ".proj_attn")};
    return mid;
  }

  Encoder encoder() {
    const auto& channels = config_.block_out_channels;
    const auto moments = 2 * config_.latent_channels;
    Encoder net;
    net.conv_in = take_conv(weights_, "encoder.conv_in", config_.in_channels, channels[0], 3);
    for (std::size_t i = 0; i < channels.size(); ++i) {
      const std::string name = fmt::format("encoder.down_blocks.{}", i);
      EncoderStage stage{resnets(name, config_.layers_per_block, channels[i > 0 ? i - 1 : 0], channels[i]), {}};
      if (i + 1 < channels.size()) {
        stage.downsample = take_conv(weights_, name + ".downsamplers.0.conv", channels[i], channels[i], 3, 2, 0);
      }
      net.stages.push_back(std::move(stage));
    }
    net.mid = mid_block("encoder.mid_block");
    net.norm_out = take_group_norm(weights_, "encoder.conv_norm_out", config_.norm_num_groups, channels.back(), kEps);
    net.conv_out = take_conv(weights_, "encoder.conv_out", channels.back(), moments, 3);
    if (config_.quant_conv) net.quant = take_conv(weights_, "quant_conv", moments, moments, 1);
    return net;
  }

  Decoder decoder() {
    const std::vector<std::int64_t> channels(config_.block_out_channels.rbegin(), config_.block_out_channels.rend());
    const auto latent = config_.latent_channels;
    Decoder net;
    if (config_.post_quant_conv) net.post_quant = take_conv(weights_, "post_quant_conv", latent, latent, 1);
    net.conv_in = take_conv(weights_, "decoder.conv_in", latent, channels[0], 3);
    net.mid = mid_block("decoder.mid_block");
    for (std::size_t i = 0; i < channels.size(); ++i) {
      const std::string name = fmt::format("decoder.up_blocks.{}", i);
      DecoderStage stage{resnets(name, config_.layers_per_block + 1, channels[i > 0 ? i - 1 : 0], channels[i]), {}};
      if (i + 1 < channels.size()) {
        stage.upsample = take_upsample_conv(weights_, name + ".upsamplers.0.conv", channels[i], channels[i]);
      }
      net.stages.push_back(std::move(stage));
    }
    net.norm_out = take_group_norm(weights_, "decoder.conv_norm_out", config_.norm_num_groups, channels.back(), kEps);
    net.conv_out = take_conv(weights_, "decoder.conv_out", channels.back(), config_.out_channels, 3);
    return net;
  }

  const VaeConfig& config_;
  Weights& weights_;
};

Tensor attend(const PixelAttention& layer, const Tensor& x) {
  const Tensor tokens = normalize(layer.norm, x).permute({0, 2, 3, 1}).flatten(1, 2);
  const Tensor residual = x.permute({0, 2, 3, 1}).flatten(1, 2);
  const Tensor mixed = attention(linear(layer.q, tokens), linear(layer.k, tokens), linear(layer.v, tokens), 1);
  return linear(layer.out, mixed, residual).unflatten(1, {x.size(2), x.size(3)}).permute({0, 3, 1, 2});
}

Tensor run(const MidBlock& mid, const Tensor& x) {
  const Tensor first = forward(mid.first, x, {});
  return forward(mid.second, mid.attention ? attend(*mid.attention, first) : first, {});
}

Tensor run(const Encoder& net, Tensor x) {
  x = conv2d(net.conv_in, x);
  for (const EncoderStage& stage : net.stages) {
    for (const ResnetBlock& resnet : stage.resnets) x = forward(resnet, x, {});
    // One column and row of zeros at the right and bottom alone, as the original model had it.
    if (stage.downsample) x = conv2d(*stage.downsample, at::constant_pad_nd(x, {0, 1, 0, 1}));
  }
  x = conv2d(net.conv_out, group_norm_silu(net.norm_out, run(net.mid, x)));
  return net.quant ? conv2d(*net.quant, x) : x;
}

Tensor run(const Decoder& net, Tensor x) {
  if (net.post_quant) x = conv2d(*net.post_quant, x);
  x = run(net.mid, conv2d(net.conv_in, x));
  for (const DecoderStage& stage : net.stages) {
    for (const ResnetBlock& resnet : stage.resnets) x = forward(resnet, x, {});
    if (stage.upsample) x = upsample_conv(*stage.upsample, x);
  }
  return conv2d(net.conv_out, group_norm_silu(net.norm_out, x));
}

// An image of 512 × 512 needs about 1 GB of activations in float32: more images than fit go in parts.
template <class Network>
Tensor run_in_parts(const Network& net, const Tensor& x, std::int64_t pixels_per_image) {
  const std::int64_t pixels = x.is_cuda() ? std::int64_t{1} << 22 : std::int64_t{1} << 19;
  const std::int64_t part = std::max<std::int64_t>(1, pixels / pixels_per_image);
  if (x.size(0) <= part) return run(net, x);
  std::vector<Tensor> results;
  for (const Tensor& images : x.split(part)) results.push_back(run(net, images));
  return at::cat(results);
}

void check_input(const Tensor& x, std::int64_t channels, const char* name) {
  if (x.dim() == 4 && x.size(1) == channels && x.numel() > 0) return;
  std::ostringstream shape;
  shape << x.sizes();
  throw input_error("vae", fmt::format("expected {} [B,{},h,w], got {}", name, channels, shape.str()));
}

Tensor prepared(const Tensor& x, const Compute& compute) {
  return x.to(compute.device, compute.dtype).contiguous(at::MemoryFormat::ChannelsLast);
}

}  // namespace

Vae make_vae(const VaeConfig& config, std::map<std::string, Tensor> tensors, const Compute& compute) {
  for (auto& [name, tensor] : tensors) tensor = tensor.to(compute.device, compute.dtype);
  Weights weights = Weights::of(std::move(tensors), "vae");
  return {config, std::make_shared<const VaeWeights>(Builder(config, weights).build()), compute};
}

Vae load_vae(const std::filesystem::path& folder, const Compute& compute) {
  const VaeConfig config = read_vae_config(folder / "config.json");
  Weights weights = Weights::open(find_weights(folder, "diffusion_pytorch_model"), compute);
  return {config, std::make_shared<const VaeWeights>(Builder(config, weights).build()), compute};
}

std::map<std::string, Tensor> fresh_vae(const VaeConfig& config, std::uint64_t seed) {
  std::map<std::string, Tensor> made;
  Weights weights = Weights::fresh(seed, made);
  Builder(config, weights).build();
  return made;
}

Tensor decode(const Vae& vae, const Tensor& latents) {
  check_input(latents, vae.config.latent_channels, "latents");
  const Tensor x = prepared(latents / vae.config.scaling_factor, vae.compute);
  const auto scale = vae.config.downscale();
  return run_in_parts(vae.weights->decoder, x, x.size(2) * x.size(3) * scale * scale);
}

LatentMoments encode(const Vae& vae, const Tensor& images) {
  check_input(images, vae.config.in_channels, "images");
  const Tensor x = prepared(images, vae.compute);
  const auto moments = run_in_parts(vae.weights->encoder, x, x.size(2) * x.size(3)).chunk(2, 1);
  return {moments[0], moments[1].clamp(-30, 20)};
}

}  // namespace fewstep
