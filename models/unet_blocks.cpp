#include "models/unet_blocks.h"

#include "models/geglu.h"

#include <ATen/TensorOperators.h>

namespace fewstep {
namespace {

SelfAttention take_self_attention(Weights& weights, const std::string& name, std::int64_t channels,
                                  std::int64_t heads) {
  return {take_joined(weights, {name + ".to_q", name + ".to_k", name + ".to_v"}, channels, channels),
          take_linear(weights, name + ".to_out.0", channels, channels), heads};
}

CrossAttention take_cross_attention(Weights& weights, const std::string& name, std::int64_t channels,
                                    std::int64_t heads, std::int64_t context_channels) {
  return {take_linear(weights, name + ".to_q", channels, channels, false),
          take_joined(weights, {name + ".to_k", name + ".to_v"}, context_channels, channels),
          take_linear(weights, name + ".to_out.0", channels, channels), heads};
}

// The attention's result is added to residual.
Tensor attend(const SelfAttention& layer, const Tensor& x, const Tensor& residual) {
  const auto parts = linear_parts(layer.qkv, x);
  return linear(layer.out, attention(parts[0], parts[1], parts[2], layer.heads), residual);
}
Tensor attend(const CrossAttention& layer, const Tensor& x, const KeysValues& text, const Tensor& residual) {
  return linear(layer.out, attention(linear(layer.q, x), text.keys, text.values, layer.heads), residual);
}

Tensor feed_forward(const TransformerBlock& block, const Tensor& x, const Tensor& residual) {
  return linear(block.feed_out, geglu(linear(block.feed_in, x)), residual);
}

// [B,C,h,w] → [B,h·w,C], free of copies for channels_last.
Tensor to_tokens(const Tensor& x) { return x.permute({0, 2, 3, 1}).reshape({x.size(0), -1, x.size(1)}); }
Tensor to_image(const Tensor& tokens, std::int64_t height, std::int64_t width) {
  return tokens.reshape({tokens.size(0), height, width, -1}).permute({0, 3, 1, 2});
}

}  // namespace

ResnetBlock take_resnet(Weights& weights, const std::string& name, std::int64_t in, std::int64_t out,
                        std::int64_t groups, double eps, std::int64_t time_channels) {
  ResnetBlock block{take_group_norm(weights, name + ".norm1", groups, in, eps),
                    take_group_norm(weights, name + ".norm2", groups, out, eps),
                    take_conv(weights, name + ".conv1", in, out, 3),
                    take_conv(weights, name + ".conv2", out, out, 3),
                    {},
                    {}};
  if (time_channels > 0) block.time = take_linear(weights, name + ".time_emb_proj", time_channels, out);
  if (in != out) block.shortcut = take_conv(weights, name + ".conv_shortcut", in, out, 1);
  return block;
}

Tensor forward(const ResnetBlock& block, const Tensor& x, const Tensor& time_activated) {
  const Tensor of_time = block.time ? linear(*block.time, time_activated) : Tensor();
  const Tensor hidden = conv2d(block.conv1, group_norm_silu(block.norm1, x), {}, of_time);
  const Tensor residual = block.shortcut ? conv2d(*block.shortcut, x) : x;
  return conv2d(block.conv2, group_norm_silu(block.norm2, hidden), residual);
}

TransformerBlock take_transformer(Weights& weights, const std::string& name, std::int64_t channels, std::int64_t heads,
                                  std::int64_t context_channels, std::int64_t groups, bool linear_projection) {
  constexpr double kNormEps = 1e-6;  // Transformer2DModel's own, not the UNet's norm_eps
  TransformerBlock block;
  block.norm = take_group_norm(weights, name + ".norm", groups, channels, kNormEps);
  if (linear_projection) {
    block.linear_in = take_linear(weights, name + ".proj_in", channels, channels);
    block.linear_out = take_linear(weights, name + ".proj_out", channels, channels);
  } else {
    block.conv_in = take_conv(weights, name + ".proj_in", channels, channels, 1);
    block.conv_out = take_conv(weights, name + ".proj_out", channels, channels, 1);
  }
  const std::string inner = name + ".transformer_blocks.0";
  block.norm1 = take_layer_norm(weights, inner + ".norm1", channels, 1e-5);
  block.norm2 = take_layer_norm(weights, inner + ".norm2", channels, 1e-5);
  block.norm3 = take_layer_norm(weights, inner + ".norm3", channels, 1e-5);
  block.self = take_self_attention(weights, inner + ".attn1", channels, heads);
  block.cross = take_cross_attention(weights, inner + ".attn2", channels, heads, context_channels);
  block.feed_in = take_linear(weights, inner + ".ff.net.0.proj", channels, 8 * channels);
  block.feed_out = take_linear(weights, inner + ".ff.net.2", 4 * channels, channels);
  return block;
}

KeysValues keys_values(const CrossAttention& layer, const Tensor& context) {
  const auto parts = linear_parts(layer.kv, context);
  return {parts[0], parts[1]};
}

Tensor forward(const TransformerBlock& block, const Tensor& x, const KeysValues& text) {
  const Tensor normalized = normalize(block.norm, x);
  Tensor tokens =
      block.linear_in ? linear(*block.linear_in, to_tokens(normalized)) : to_tokens(conv2d(*block.conv_in, normalized));
  const Tensor first = normalize(block.norm1, tokens);
  tokens = attend(block.self, first, tokens);
  tokens = attend(block.cross, normalize(block.norm2, tokens), text, tokens);
  tokens = feed_forward(block, normalize(block.norm3, tokens), tokens);
  if (block.linear_out) return to_image(linear(*block.linear_out, tokens, to_tokens(x)), x.size(2), x.size(3));
  return conv2d(*block.conv_out, to_image(tokens, x.size(2), x.size(3)), x);
}

}  // namespace fewstep
