// What a process did before must not decide the bits of what it does next: a run that was killed goes on in another
// process, whose first batch is another one.
#include "models/packed.h"

#include "models/layers.h"

#include <ATen/Functions.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

namespace fewstep {
namespace {

// The last of the batches, after the others went before it on the same layer.
template <typename Make, typename Call>
Tensor after(const Make& make, const Call& call, const Tensor& x, std::initializer_list<std::int64_t> before) {
  const auto layer = make();
  for (const std::int64_t batch : before) call(layer, x.repeat_interleave(32, 0).slice(0, 0, batch).contiguous());
  return call(layer, x);
}

template <typename Make, typename Call>
void expect_the_same_bits(const Make& make, const Call& call, const Tensor& x) {
  const Tensor alone = after(make, call, x, {});
  for (const std::int64_t first : {1, 2, 5, 8, 32})
    EXPECT_TRUE(alone.equal(after(make, call, x, {first}))) << x.sizes() << " after a batch of " << first;
  EXPECT_TRUE(alone.equal(after(make, call, x, {32, 1, 8}))) << x.sizes();
}

class PackedWeights : public testing::TestWithParam<at::ScalarType> {
 protected:
  PackedWeights() { at::manual_seed(1); }
  Tensor random(at::IntArrayRef sizes) const { return (at::randn(sizes) * 0.1).to(GetParam()); }
};

TEST_P(PackedWeights, OfLinearLayersGiveTheSameBitsWhateverBatchCameFirst) {
  const c10::InferenceMode inference;
  for (const auto& [tokens, in, out] : std::vector<std::array<std::int64_t, 3>>{
           {64, 96, 96}, {77, 64, 256}, {16, 512, 24}, {0, 96, 96}, {0, 64, 256}}) {
    const Tensor weight = random({out, in}), bias = random({out});
    for (const std::int64_t batch : {1, 8}) {
      const Tensor x = tokens ? random({batch, tokens, in}) : random({batch, in});
      expect_the_same_bits([&] { return make_linear(weight.clone(), bias); },
                           [](const Linear& layer, const Tensor& rows) { return linear(layer, rows); }, x);
    }
  }
}

TEST_P(PackedWeights, OfConvolutionsGiveTheSameBitsWhateverBatchCameFirst) {
  const c10::InferenceMode inference;
  for (const auto& [in, out, size, kernel] : std::vector<std::array<std::int64_t, 4>>{
           {4, 64, 8, 3}, {64, 64, 8, 3}, {128, 64, 4, 3}, {64, 192, 16, 1}, {3, 32, 32, 3}, {96, 7, 5, 3}}) {
    const Tensor weight = random({out, in, kernel, kernel}), bias = random({out});
    const Tensor x = random({8, in, size, size}).contiguous(at::MemoryFormat::ChannelsLast);
    expect_the_same_bits(
        [&] {
          return make_conv(weight.clone(), bias, {1, kernel / 2});
        },
        [](const Conv2d& layer, const Tensor& images) { return conv2d(layer, images); }, x);
  }
}

INSTANTIATE_TEST_SUITE_P(Types, PackedWeights, testing::Values(at::kFloat, at::kBFloat16),
                         [](const auto& type) { return std::string(c10::toString(type.param)); });

}  // namespace
}  // namespace fewstep
