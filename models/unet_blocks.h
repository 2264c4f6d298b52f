#pragma once
#include "models/layers.h"

#include <optional>
#include <string>
#include <vector>

namespace fewstep {

// Parts of diffusers' UNet and VAE, under its names. All images are [B,C,h,w], channels_last where that is faster.

struct ResnetBlock {
  Norm norm1, norm2;
  Conv2d conv1, conv2;
  std::optional<Linear> time;      // time_emb_proj; the VAE has none
  std::optional<Conv2d> shortcut;  // conv_shortcut, 1×1
};
// time_channels 0: no time embedding.
ResnetBlock take_resnet(Weights& weights, const std::string& name, std::int64_t in, std::int64_t out,
                        std::int64_t groups, double eps, std::int64_t time_channels);
// time_activated: silu of the time embedding [B,time_channels], the same for every block of one forward.
Tensor forward(const ResnetBlock& block, const Tensor& x, const Tensor& time_activated);

struct SelfAttention {
  JoinedLinear qkv;
  Linear out;
  std::int64_t heads = 1;
};
struct CrossAttention {
  Linear q;
  JoinedLinear kv;
  Linear out;
  std::int64_t heads = 1;
};
struct TransformerBlock {  // Transformer2DModel with one BasicTransformerBlock
  Norm norm;
  std::optional<Linear> linear_in, linear_out;  // use_linear_projection
  std::optional<Conv2d> conv_in, conv_out;
  Norm norm1, norm2, norm3;
  SelfAttention self;
  CrossAttention cross;
  Linear feed_in, feed_out;  // GEGLU
};
TransformerBlock take_transformer(Weights& weights, const std::string& name, std::int64_t channels, std::int64_t heads,
                                  std::int64_t context_channels, std::int64_t groups, bool linear_projection);
// What a block's cross-attention makes of a text; the same for every evaluation under that text.
struct KeysValues {
  Tensor keys, values;  // [B,tokens,channels]
};
KeysValues keys_values(const CrossAttention& layer, const Tensor& context);  // context [B,tokens,context_channels]

Tensor forward(const TransformerBlock& block, const Tensor& x, const KeysValues& text);

}  // namespace fewstep
