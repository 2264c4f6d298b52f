#include "models/unet.h"

#include "core/error.h"
#include "models/checkpoint_files.h"
#include "models/gpu.h"
#include "models/unet_blocks.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/zeros_like.h>
#include <c10/core/InferenceMode.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

namespace fewstep {
namespace {

struct Stage {  // a down or an up block
  std::vector<ResnetBlock> resnets;
  std::vector<TransformerBlock> attentions;  // empty without cross-attention
  std::optional<Conv2d> resample;            // absent in the last one
};

}  // namespace

struct UnetWeights {
  Conv2d conv_in, conv_out;
  Norm norm_out;
  Linear time1, time2;
  std::optional<Linear> omega;  // time_embedding.cond_proj
  std::vector<Stage> down, up;
  std::optional<Stage> mid;
};

namespace {

class Builder {
 public:
  Builder(const UnetConfig& config, Weights& weights) : config_(config), weights_(weights) {}

  UnetWeights build() {
    const auto& channels = config_.block_out_channels;
    UnetWeights net;
    net.conv_in = take_conv(weights_, "conv_in", config_.in_channels, channels[0], 3);
    net.time1 = take_linear(weights_, "time_embedding.linear_1", channels[0], time_channels());
    net.time2 = take_linear(weights_, "time_embedding.linear_2", time_channels(), time_channels());
    if (config_.time_cond_proj_dim) {
      net.omega = take_linear(weights_, "time_embedding.cond_proj", *config_.time_cond_proj_dim, channels[0], false);
    }
    for (std::size_t i = 0; i < channels.size(); ++i) net.down.push_back(down_block(i));
    if (config_.mid_block_type) net.mid = mid_block();
    for (std::size_t i = 0; i < channels.size(); ++i) net.up.push_back(up_block(i));
    net.norm_out = take_group_norm(weights_, "conv_norm_out", config_.norm_num_groups, channels[0], config_.norm_eps);
    net.conv_out = take_conv(weights_, "conv_out", channels[0], config_.out_channels, 3);
    weights_.expect_all_taken();
    return net;
  }

 private:
  std::int64_t time_channels() const { return 4 * config_.block_out_channels[0]; }

  void add_layer(Stage& stage, const std::string& name, std::int64_t in, std::int64_t out, std::int64_t heads,
                 bool attends) {
    const std::string index = std::to_string(stage.resnets.size());
    stage.resnets.push_back(take_resnet(weights_, name + ".resnets." + index, in, out, config_.norm_num_groups,
                                        config_.norm_eps, time_channels()));
    if (attends) {
      stage.attentions.push_back(take_transformer(weights_, name + ".attentions." + index, out, heads,
                                                  config_.cross_attention_dim, config_.norm_num_groups,
                                                  config_.use_linear_projection));
    }
  }

  Stage down_block(std::size_t i) {
    const auto& channels = config_.block_out_channels;
    const std::string name = fmt::format("down_blocks.{}", i);
    Stage stage;
    for (std::int64_t layer = 0; layer < config_.layers_per_block; ++layer) {
      const auto in = layer > 0 ? channels[i] : channels[i > 0 ? i - 1 : 0];
      add_layer(stage, name, in, channels[i], config_.attention_heads[i],
                config_.down_block_types[i] == "CrossAttnDownBlock2D");
    }
    if (i + 1 < channels.size()) {
      stage.resample = take_conv(weights_, name + ".downsamplers.0.conv", channels[i], channels[i], 3, 2);
    }
    return stage;
  }

  Stage mid_block() {
    const auto channels = config_.block_out_channels.back();
    Stage stage;
    add_layer(stage, "mid_block", channels, channels, config_.attention_heads.back(), true);
    add_layer(stage, "mid_block", channels, channels, config_.attention_heads.back(), false);
    return stage;
  }

  Stage up_block(std::size_t i) {
    std::vector<std::int64_t> channels(config_.block_out_channels.rbegin(), config_.block_out_channels.rend());
    const auto out = channels[i], before = channels[i > 0 ? i - 1 : 0],
               skip_end = channels[std::min(i + 1, channels.size() - 1)];
    const auto heads = config_.attention_heads[channels.size() - 1 - i];
    const std::string name = fmt::format("up_blocks.{}", i);
    Stage stage;
    for (std::int64_t layer = 0; layer <= config_.layers_per_block; ++layer) {
      const auto skip = layer == config_.layers_per_block ? skip_end : out;
      add_layer(stage, name, (layer == 0 ? before : out) + skip, out, heads,
                config_.up_block_types[i] == "CrossAttnUpBlock2D");
    }
    if (i + 1 < channels.size()) stage.resample = take_conv(weights_, name + ".upsamplers.0.conv", out, out, 3);
    return stage;
  }

  const UnetConfig& config_;
  Weights& weights_;
};

// Source: diffusers get_timestep_embedding, float32.
Tensor timestep_embedding(const UnetConfig& config, const Tensor& time) {
  const auto half = config.block_out_channels[0] / 2;
  const Tensor exponent = at::arange(half, time.options().dtype(at::kFloat))
                              .mul(-std::log(10000.0))
                              .div(static_cast<double>(half) - config.freq_shift);
  const Tensor angles = time.to(at::kFloat).unsqueeze(1) * exponent.exp().unsqueeze(0);
  return config.flip_sin_to_cos ? at::cat({angles.cos(), angles.sin()}, 1) : at::cat({angles.sin(), angles.cos()}, 1);
}

// What is used as the network is gone through: one entry of the text for each cross-attention.
struct Inputs {
  const Tensor& time;
  std::span<const KeysValues> text;
};

Tensor layer_forward(const Stage& stage, std::size_t layer, const Tensor& x, Inputs& inputs) {
  const Tensor hidden = forward(stage.resnets[layer], x, inputs.time);
  if (layer >= stage.attentions.size()) return hidden;
  const KeysValues& text = inputs.text.front();
  inputs.text = inputs.text.subspan(1);
  return forward(stage.attentions[layer], hidden, text);
}

Tensor run(const UnetWeights& net, Tensor x, const Tensor& time, const UnetContext& context) {
  Inputs inputs{time, context.layers};
  x = conv2d(net.conv_in, x);
  std::vector<Tensor> skips{x};
  for (const Stage& stage : net.down) {
    for (std::size_t layer = 0; layer < stage.resnets.size(); ++layer) {
      skips.push_back(x = layer_forward(stage, layer, x, inputs));
    }
    if (stage.resample) skips.push_back(x = conv2d(*stage.resample, x));
  }
  if (net.mid) {
    for (std::size_t layer = 0; layer < net.mid->resnets.size(); ++layer) x = layer_forward(*net.mid, layer, x, inputs);
  }
  for (const Stage& stage : net.up) {
    for (std::size_t layer = 0; layer < stage.resnets.size(); ++layer) {
      const Tensor joined = at::cat({x, skips.back()}, 1);
      skips.pop_back();
      x = layer_forward(stage, layer, joined, inputs);
    }
    if (stage.resample) {
      // The result has the size of the next skip connection, which is not twice this one's where the image does not
      // divide evenly.
      x = conv2d(*stage.resample, at::upsample_nearest2d(x, skips.back().sizes().slice(2)));
    }
  }
  return conv2d(net.conv_out, group_norm_silu(net.norm_out, x));
}

// Whether launches take longer than what they launch. The graph's memory is that of a forward of this size.
bool records(const Tensor& x) {
  return x.is_cuda() && c10::InferenceMode::is_enabled() && x.size(0) * x.size(2) * x.size(3) <= 8 * 64 * 64;
}

Tensor run_recorded(const Unet& unet, const Tensor& x, const Tensor& time, const UnetContext& context,
                    const GpuKernels& gpu) {
  std::vector<Tensor> inputs{x, time};
  for (const auto& [keys, values] : context.layers) inputs.insert(inputs.end(), {keys, values});
  const auto network = [&weights = *unet.weights](const std::vector<Tensor>& given) {
    UnetContext text;
    for (std::size_t i = 2; i < given.size(); i += 2) text.layers.push_back({given[i], given[i + 1]});
    return run(weights, given[0], given[1], text);
  };
  return unet.recordings->run(inputs, network, [&](const auto& work) { return gpu.record(x, work); });
}

}  // namespace

Unet make_unet(const UnetConfig& config, std::map<std::string, Tensor> tensors, const Compute& compute) {
  check(config, "unet");
  for (auto& [name, tensor] : tensors) tensor = tensor.to(compute.device, compute.dtype);
  Weights weights = Weights::of(std::move(tensors), "unet");
  return {config, std::make_shared<const UnetWeights>(Builder(config, weights).build()), compute};
}

Unet load_unet(const std::filesystem::path& folder, const Compute& compute) {
  const UnetConfig config = read_unet_config(folder / "config.json");
  Weights weights = Weights::open(find_weights(folder, "diffusion_pytorch_model"), compute);
  return {config, std::make_shared<const UnetWeights>(Builder(config, weights).build()), compute};
}

std::map<std::string, Tensor> fresh_unet(const UnetConfig& config, std::uint64_t seed) {
  check(config, "unet");
  std::map<std::string, Tensor> made;
  Weights weights = Weights::fresh(seed, made);
  Builder(config, weights).build();
  return made;
}

UnetContext make_context(const Unet& unet, const Tensor& states) {
  const UnetWeights& net = *unet.weights;
  const Tensor ours = states.to(unet.compute.device, unet.compute.dtype);
  UnetContext context;
  const auto add = [&](const Stage& stage) {
    for (const TransformerBlock& block : stage.attentions) context.layers.push_back(keys_values(block.cross, ours));
  };
  for (const Stage& stage : net.down) add(stage);
  if (net.mid) add(*net.mid);
  for (const Stage& stage : net.up) add(stage);
  return context;
}

Tensor forward(const Unet& unet, const Tensor& x, const Tensor& time, const Tensor& states,
               const Tensor& omega_embedding) {
  return forward(unet, x, time, make_context(unet, states), omega_embedding);
}

Tensor forward(const Unet& unet, const Tensor& x, const Tensor& time, const UnetContext& context,
               const Tensor& omega_embedding) {
  const auto& [config, weights, compute, recordings] = unet;
  if (omega_embedding.defined() != weights->omega.has_value()) {
    throw input_error(
        "unet", weights->omega ? "expected an omega embedding, got none" : "expected no omega embedding, got one");
  }
  Tensor embedding = timestep_embedding(config, time.to(compute.device)).to(compute.dtype);
  if (weights->omega)
    embedding = embedding + linear(*weights->omega, omega_embedding.to(compute.device, compute.dtype));
  embedding = linear(weights->time2, at::silu(linear(weights->time1, embedding)));
  embedding = at::silu(embedding);
  const Tensor input = x.to(compute.device, compute.dtype).contiguous(at::MemoryFormat::ChannelsLast);
  const GpuKernels* const gpu = records(input) ? gpu_kernels(input) : nullptr;
  return gpu ? run_recorded(unet, input, embedding, context, *gpu) : run(*weights, input, embedding, context);
}

Tensor embed_omega(const Tensor& omega, std::int64_t dim) {
  // The order of operations is diffusers': in double the result differs by 3e-4 at omega = 8.
  const Tensor scaled = omega.to(at::kFloat).mul(1000.0);
  const auto half = dim / 2;
  const float step = static_cast<float>(std::log(10000.0)) / static_cast<float>(half - 1);
  const Tensor frequencies = at::arange(half, scaled.options()).mul(-step).exp();
  const Tensor angles = scaled.unsqueeze(1) * frequencies.unsqueeze(0);
  const Tensor embedding = at::cat({angles.sin(), angles.cos()}, 1);
  return dim % 2 == 0 ? embedding : at::cat({embedding, at::zeros_like(embedding.slice(1, 0, 1))}, 1);
}

}  // namespace fewstep
