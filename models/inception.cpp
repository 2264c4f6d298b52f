#include "models/inception.h"

#include "core/error.h"
#include "core/files.h"
#include "models/layers.h"
#include "models/weights.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/avg_pool2d.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/rsqrt.h>

#include <fmt/format.h>

#include <initializer_list>
#include <sstream>
#include <utility>
#include <vector>

namespace fewstep {
namespace {

// torchvision's BasicConv2d: convolution, batch norm (folded into the weights), ReLU.
struct BasicConv {
  Conv2d conv;
  std::int64_t pad_height = 0, pad_width = 0;  // where they differ; else the convolution pads
};
// A chain of convolutions. Blocks of torchvision's names: a branch is what leads from a block's input to its output.
using Chain = std::vector<BasicConv>;

struct BlockA {
  Chain b1x1, b5x5, b3x3dbl, pool;
};
struct BlockB {
  Chain b3x3, b3x3dbl;
};
struct BlockC {
  Chain b1x1, b7x7, b7x7dbl, pool;
};
struct BlockD {
  Chain b3x3, b7x7x3;
};
struct BlockE {
  Chain b1x1, b3x3, b3x3_a, b3x3_b, b3x3dbl, b3x3dbl_a, b3x3dbl_b, pool;
};

}  // namespace

struct InceptionWeights {
  Chain stem1, stem2;
  std::vector<BlockA> a;
  BlockB b;
  std::vector<BlockC> c;
  BlockD d;
  std::vector<BlockE> e;
};

namespace {

struct Shape {
  std::int64_t out, height, width, stride = 1;
  bool padded = true;  // to the input's size
};

class Builder {
 public:
  explicit Builder(Weights& weights) : weights_(weights) {}

  InceptionWeights build() {
    InceptionWeights net;
    net.stem1 = {conv("Conv2d_1a_3x3", 3, {32, 3, 3, 2, false}), conv("Conv2d_2a_3x3", 32, {32, 3, 3, 1, false}),
                 conv("Conv2d_2b_3x3", 32, {64, 3, 3})};
    net.stem2 = {conv("Conv2d_3b_1x1", 64, {80, 1, 1}), conv("Conv2d_4a_3x3", 80, {192, 3, 3, 1, false})};
    net.a = {block_a("Mixed_5b", 192, 32), block_a("Mixed_5c", 256, 64), block_a("Mixed_5d", 288, 64)};
    net.b = block_b("Mixed_6a", 288);
    net.c = {block_c("Mixed_6b", 128), block_c("Mixed_6c", 160), block_c("Mixed_6d", 160), block_c("Mixed_6e", 192)};
    net.d = block_d("Mixed_7a", 768);
    net.e = {block_e("Mixed_7b", 1280), block_e("Mixed_7c", 2048)};
    // The classifier has no part in the features.
    weights_.take_if_present("fc.weight", {1008, 2048});
    weights_.take_if_present("fc.bias", {1008});
    weights_.expect_all_taken();
    return net;
  }

 private:
  BasicConv conv(const std::string& name, std::int64_t in, const Shape& shape) {
    const Tensor weight = weights_.take(name + ".conv.weight", {shape.out, in, shape.height, shape.width});
    constexpr double kEps = 1e-3;
    const auto batch_norm = [&](const char* part) {
      return weights_.take(name + ".bn." + part, {shape.out}).to(at::kDouble);
    };
    weights_.ignore(name + ".bn.num_batches_tracked");
    const Tensor scale = batch_norm("weight") * at::rsqrt(batch_norm("running_var") + kEps);
    const Tensor bias = batch_norm("bias") - batch_norm("running_mean") * scale;
    const Tensor folded = (weight.to(at::kDouble) * scale.view({-1, 1, 1, 1})).to(at::kFloat);
    const auto pad_height = shape.padded ? shape.height / 2 : 0, pad_width = shape.padded ? shape.width / 2 : 0;
    const bool even = pad_height == pad_width;
    return {make_conv(folded, bias.to(at::kFloat), {shape.stride, even ? pad_height : 0}), even ? 0 : pad_height,
            even ? 0 : pad_width};
  }

  // name1, name2, … with the shapes in turn.
  Chain chain(const std::string& name, std::int64_t in, std::initializer_list<Shape> shapes) {
    Chain convs;
    for (const Shape& shape : shapes) {
      convs.push_back(conv(fmt::format("{}_{}", name, convs.size() + 1), in, shape));
      in = shape.out;
    }
    return convs;
  }

  Chain single(const std::string& name, std::int64_t in, const Shape& shape) { return {conv(name, in, shape)}; }

  BlockA block_a(const std::string& name, std::int64_t in, std::int64_t pool) {
    return {single(name + ".branch1x1", in, {64, 1, 1}), chain(name + ".branch5x5", in, {{48, 1, 1}, {64, 5, 5}}),
            chain(name + ".branch3x3dbl", in, {{64, 1, 1}, {96, 3, 3}, {96, 3, 3}}),
            single(name + ".branch_pool", in, {pool, 1, 1})};
  }

  BlockB block_b(const std::string& name, std::int64_t in) {
    return {single(name + ".branch3x3", in, {384, 3, 3, 2, false}),
            chain(name + ".branch3x3dbl", in, {{64, 1, 1}, {96, 3, 3}, {96, 3, 3, 2, false}})};
  }

  BlockC block_c(const std::string& name, std::int64_t inner) {
    constexpr std::int64_t kIn = 768;
    return {
        single(name + ".branch1x1", kIn, {192, 1, 1}),
        chain(name + ".branch7x7", kIn, {{inner, 1, 1}, {inner, 1, 7}, {192, 7, 1}}),
        chain(name + ".branch7x7dbl", kIn, {{inner, 1, 1}, {inner, 7, 1}, {inner, 1, 7}, {inner, 7, 1}, {192, 1, 7}}),
        single(name + ".branch_pool", kIn, {192, 1, 1})};
  }

  BlockD block_d(const std::string& name, std::int64_t in) {
    return {chain(name + ".branch3x3", in, {{192, 1, 1}, {320, 3, 3, 2, false}}),
            chain(name + ".branch7x7x3", in, {{192, 1, 1}, {192, 1, 7}, {192, 7, 1}, {192, 3, 3, 2, false}})};
  }

  BlockE block_e(const std::string& name, std::int64_t in) {
    return {single(name + ".branch1x1", in, {320, 1, 1}),
            single(name + ".branch3x3_1", in, {384, 1, 1}),
            single(name + ".branch3x3_2a", 384, {384, 1, 3}),
            single(name + ".branch3x3_2b", 384, {384, 3, 1}),
            chain(name + ".branch3x3dbl", in, {{448, 1, 1}, {384, 3, 3}}),
            single(name + ".branch3x3dbl_3a", 384, {384, 1, 3}),
            single(name + ".branch3x3dbl_3b", 384, {384, 3, 1}),
            single(name + ".branch_pool", in, {192, 1, 1})};
  }

  Weights& weights_;
};

Tensor run(const Chain& chain, Tensor x) {
  for (const auto& [conv, height, width] : chain) {
    if (height > 0 || width > 0) x = at::constant_pad_nd(x, {width, width, height, height});
    x = conv2d(conv, x).relu_();
  }
  return x;
}

Tensor max_pool_half(const Tensor& x) { return at::max_pool2d(x, 3, 2); }
Tensor max_pool(const Tensor& x) { return at::max_pool2d(x, 3, 1, 1); }
// Padding does not count towards the average: first deviation from torchvision.
Tensor average_pool(const Tensor& x) { return at::avg_pool2d(x, 3, 1, 1, false, /*count_include_pad=*/false); }

Tensor run(const BlockA& block, const Tensor& x) {
  return at::cat({run(block.b1x1, x), run(block.b5x5, x), run(block.b3x3dbl, x), run(block.pool, average_pool(x))}, 1);
}

Tensor run(const BlockB& block, const Tensor& x) {
  return at::cat({run(block.b3x3, x), run(block.b3x3dbl, x), max_pool_half(x)}, 1);
}

Tensor run(const BlockC& block, const Tensor& x) {
  return at::cat({run(block.b1x1, x), run(block.b7x7, x), run(block.b7x7dbl, x), run(block.pool, average_pool(x))}, 1);
}

Tensor run(const BlockD& block, const Tensor& x) {
  return at::cat({run(block.b3x3, x), run(block.b7x7x3, x), max_pool_half(x)}, 1);
}

Tensor run(const BlockE& block, const Tensor& x, const Tensor& pooled) {
  const Tensor b3x3 = run(block.b3x3, x), b3x3dbl = run(block.b3x3dbl, x);
  return at::cat({run(block.b1x1, x), run(block.b3x3_a, b3x3), run(block.b3x3_b, b3x3), run(block.b3x3dbl_a, b3x3dbl),
                  run(block.b3x3dbl_b, b3x3dbl), run(block.pool, pooled)},
                 1);
}

}  // namespace

Inception load_inception(const std::filesystem::path& safetensors, const Compute& compute) {
  const Compute exact{compute.device, at::kFloat};
  Weights weights = Weights::open(safetensors, exact);
  return {std::make_shared<const InceptionWeights>(Builder(weights).build()), exact,
          compute.device.is_meta() ? "" : sha256_file(safetensors)};
}

Tensor features(const Inception& network, const Tensor& images) {
  constexpr std::int64_t kSide = 299;
  if (images.dim() != 4 || images.size(0) < 1 || images.sizes().slice(1) != at::IntArrayRef{3, kSide, kSide}) {
    std::ostringstream shape;
    shape << images.sizes();
    throw input_error("inception", "expected images [B,3,299,299], got " + shape.str());
  }
  const InceptionWeights& net = *network.weights;
  Tensor x = images.to(network.compute.device, at::kFloat).contiguous(at::MemoryFormat::ChannelsLast);
  x = max_pool_half(run(net.stem1, x));
  x = max_pool_half(run(net.stem2, x));
  for (const BlockA& block : net.a) x = run(block, x);
  x = run(net.b, x);
  for (const BlockC& block : net.c) x = run(block, x);
  x = run(net.d, x);
  x = run(net.e[0], x, average_pool(x));
  x = run(net.e[1], x, max_pool(x));  // the maximum, not the average: second deviation
  return x.mean({2, 3});
}

}  // namespace fewstep
