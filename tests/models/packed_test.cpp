// What a process did before must not decide the bits of what it does next: a run that was killed goes on in another
// process, whose first batch is another one.
#include "models/packed.h"

#include "models/layers.h"

#include <ATen/Functions.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

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

// The test below runs this one in a child process: each call twice, the second between two marks in oneDNN's log.
TEST(PackedCalls, DISABLED_Twice) {
  const c10::InferenceMode inference;
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    const Conv2d trial = make_conv(at::randn({8, 8, 1, 1}).to(type), {}, {1, 0});
    conv2d(trial, at::randn({1, 8, 4, 4}).to(type));
    if (trial.weight->unsupported) continue;  // bfloat16 without the instructions for it runs on plain weights
    for (const std::int64_t batch : {1, 2, 8, 16}) {
      const auto twice = [&](const std::string& name, const auto& call) {
        call();
        std::cout << "second " << name << " " << type << " batch " << batch << std::endl;
        call();
        std::cout << "end" << std::endl;
      };
      for (const auto& [in, out, size, kernel, stride] :
           std::vector<std::array<std::int64_t, 5>>{{4, 64, 8, 3, 1},
                                                    {64, 64, 8, 3, 1},
                                                    {128, 64, 4, 3, 1},
                                                    {64, 192, 16, 1, 1},
                                                    {96, 96, 16, 3, 2},
                                                    {64, 256, 8, 2, 1},  // a folded upsampling convolution
                                                    {320, 320, 16, 3, 1}}) {
        const Conv2d layer =
            make_conv(at::randn({out, in, kernel, kernel}).to(type), at::randn({out}).to(type), {stride, kernel / 2});
        const Tensor x = at::randn({batch, in, size, size}).to(type).contiguous(at::MemoryFormat::ChannelsLast);
        const Tensor residual = at::randn_like(conv2d(layer, x));
        const std::string name = fmt::format("convolution {} {} {} {} {}", in, out, size, kernel, stride);
        twice(name, [&] { conv2d(layer, x); });
        twice(name + " with residual", [&] { conv2d(layer, x, residual); });
      }
      for (const auto& [tokens, in, out] :
           std::vector<std::array<std::int64_t, 3>>{{64, 96, 96}, {77, 64, 256}, {256, 320, 2560}, {1, 96, 384}}) {
        const Linear layer = make_linear(at::randn({out, in}).to(type), at::randn({out}).to(type));
        const Tensor x = at::randn({batch, tokens, in}).to(type), residual = at::randn({batch, tokens, out}).to(type);
        const std::string name = fmt::format("linear {} {} {}", tokens, in, out);
        twice(name, [&] { linear(layer, x); });
        twice(name + " with residual", [&] { linear(layer, x, residual); });
      }
    }
  }
}

// The second calls in which oneDNN reordered anything, each with the log's line, and the number of second calls.
std::pair<std::vector<std::string>, int> second_calls(const std::string& environment) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  const std::string command = environment + " ONEDNN_VERBOSE=1 OMP_WAIT_POLICY=passive '" + self +
                              "' --gtest_also_run_disabled_tests --gtest_filter=PackedCalls.DISABLED_Twice 2>&1";
  const std::unique_ptr<FILE, int (*)(FILE*)> log(popen(command.c_str(), "r"), pclose);
  std::vector<std::string> reordered;
  std::string second;
  int calls = 0, executed = 0;
  for (std::array<char, 4096> buffer; std::fgets(buffer.data(), buffer.size(), log.get());) {
    const std::string line(buffer.data());
    if (line.starts_with("second ")) {
      second = line;
      ++calls;
    } else if (line == "end\n") {
      second.clear();
    } else if (!second.empty() && line.find(",exec,") != std::string::npos) {
      ++executed;
      if (line.find(",reorder,") != std::string::npos) reordered.push_back(second + line);
    }
  }
  EXPECT_GE(executed, calls) << "expected a line of oneDNN's log for each call";
  return {reordered, calls};
}

TEST(PackedCalls, ReorderNoWeightTheSecondTime) {
  for (const std::string isa : {"DEFAULT", "AVX2"}) {
    for (const int threads : {1, 2, 4}) {
      const auto [reordered, calls] =
          second_calls(fmt::format("ONEDNN_MAX_CPU_ISA={} OMP_NUM_THREADS={}", isa, threads));
      EXPECT_GE(calls, 4 * 2 * (7 + 4));  // of float32; bfloat16 doubles them
      EXPECT_THAT(reordered, testing::IsEmpty()) << isa << ", threads: " << threads;
    }
  }
}

TEST(PackedCalls, OfOneShapeAloneKeepOneLayout) {
  const c10::InferenceMode inference;
  const Conv2d layer = make_conv(at::randn({64, 64, 3, 3}), {}, {1, 1});
  const auto call = [&](std::int64_t batch) { conv2d(layer, at::randn({batch, 64, 8, 8})); };
  for (const std::int64_t batch : {1, 2, 8, 16, 1, 2}) {
    call(batch);
    EXPECT_LE(layer.weight->layouts.size(), 2U);
    EXPECT_FALSE(layer.weight->plain.defined());
  }
  for (int i = 0; i < 256; ++i) call(8);
  EXPECT_EQ(layer.weight->layouts.size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Types, PackedWeights, testing::Values(at::kFloat, at::kBFloat16),
                         [](const auto& type) { return std::string(c10::toString(type.param)); });

}  // namespace
}  // namespace fewstep
