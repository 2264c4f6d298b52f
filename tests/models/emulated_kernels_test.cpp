// The arithmetic and the indexing of our CUDA kernels, on a CPU against float64 (gpu_test.cpp runs them on a GPU).
#include "cuda_emulation.h"
#include "models/cuda/kernels.cu"

#include <ATen/Functions.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <vector>

namespace fewstep {
namespace {

using Sizes = std::vector<std::int64_t>;

class EmulatedKernels : public testing::TestWithParam<at::ScalarType> {
 protected:
  EmulatedKernels() { at::manual_seed(5); }
  ~EmulatedKernels() override { EXPECT_EQ(emulated::overruns, 0) << "blocks wrote behind their shared memory"; }

  at::Tensor random(at::IntArrayRef sizes, double mean = 0) const { return (at::randn(sizes) + mean).to(GetParam()); }
  at::Tensor image(at::IntArrayRef sizes, double mean = 0) const {
    return random(sizes, mean).contiguous(at::MemoryFormat::ChannelsLast);
  }
  // Of x's sizes and layout, with a NaN in each place that a kernel leaves out.
  static at::Tensor unwritten(const at::Tensor& x) { return at::full_like(x, std::nan("")); }
  static at::Tensor exact(const at::Tensor& x) { return x.to(at::kDouble); }
  cuda::Number number() const {
    return GetParam() == at::kFloat  ? cuda::Number::kFloat
           : GetParam() == at::kHalf ? cuda::Number::kHalf
                                     : cuda::Number::kBfloat16;
  }
  // In roundings of the type at the largest value.
  void expect_near(const at::Tensor& got, const at::Tensor& expected) const {
    const bool single = GetParam() == at::kFloat;
    const double epsilon = single ? 0x1p-23 : GetParam() == at::kHalf ? 0x1p-10 : 0x1p-7;
    const double largest = std::max(1.0, expected.abs().max().item<double>());
    const double roundings = (exact(got) - expected).abs().max().item<double>() / (epsilon * largest);
    EXPECT_LE(roundings, single ? 4 : 1) << expected.sizes();  // a half is the last one, to 16 bits
  }
  static cuda::Images shape_of(const at::Tensor& x) { return {x.size(0), x.size(2) * x.size(3), x.size(1)}; }
  at::Tensor group_norm(const at::Tensor& x, int groups, const at::Tensor& weight, const at::Tensor& bias,
                        bool silu) const {
    const at::Tensor y = unwritten(x);
    const auto shape = shape_of(x);
    std::vector<double> moments(static_cast<std::size_t>(shape.images * cuda::chunks_of(shape) * groups * 2),
                                std::nan(""));
    cuda::group_norm(number(), x.const_data_ptr(), y.mutable_data_ptr(), shape, groups, weight.const_data_ptr(),
                     bias.const_data_ptr(), 1e-5F, silu, moments.data(), nullptr);
    return y;
  }

  const c10::InferenceMode inference_;
};

TEST_P(EmulatedKernels, GroupNormEqualsFloat64) {
  // Channels more and fewer than threads, pixels in one, three and uneven chunks, one pixel, one group.
  for (const auto& [sizes, groups] : std::vector<std::pair<Sizes, int>>{{{2, 320, 10, 25}, 32},
                                                                        {{1, 64, 5, 7}, 16},
                                                                        {{3, 6, 5, 3}, 3},
                                                                        {{1, 33, 31, 33}, 11},
                                                                        {{2, 40, 1, 1}, 8},
                                                                        {{1, 257, 4, 3}, 1}}) {
    const at::Tensor x = image(sizes, 2), weight = random({sizes[1]}, 1), bias = random({sizes[1]});
    const at::Tensor expected = at::group_norm(exact(x), groups, exact(weight), exact(bias), 1e-5);
    expect_near(group_norm(x, groups, weight, bias, false), expected);
    expect_near(group_norm(x, groups, weight, bias, true), at::silu(expected));
  }
}

TEST_P(EmulatedKernels, GroupNormOfAnImageIsTheSameInEveryBatch) {
  const at::Tensor x = image({3, 320, 10, 11}, 1), weight = random({320}, 1), bias = random({320});
  const at::Tensor all = group_norm(x, 32, weight, bias, true);
  const at::Tensor alone = x.slice(0, 1, 2).contiguous(at::MemoryFormat::ChannelsLast);
  EXPECT_TRUE(group_norm(alone, 32, weight, bias, true).equal(all.slice(0, 1, 2)));
}

TEST_P(EmulatedKernels, LayerNormEqualsFloat64) {
  for (const auto& sizes : std::vector<Sizes>{{2, 3, 320}, {1, 5, 33}, {4, 1}, {2, 128}, {1, 129}}) {
    const at::Tensor x = random(sizes, 1), weight = random({sizes.back()}, 1), bias = random({sizes.back()});
    const at::Tensor y = unwritten(x);
    cuda::layer_norm(number(), x.const_data_ptr(), y.mutable_data_ptr(), x.numel() / sizes.back(),
                     static_cast<int>(sizes.back()), weight.const_data_ptr(), bias.const_data_ptr(), 1e-5F, nullptr);
    expect_near(y, at::layer_norm(exact(x), {sizes.back()}, exact(weight), exact(bias), 1e-5));
  }
}

TEST_P(EmulatedKernels, GegluEqualsFloat64) {
  for (const auto& sizes : std::vector<Sizes>{{2, 77, 66}, {5, 2}, {1, 3, 1026}}) {
    const at::Tensor x = random(sizes) * 2;
    Sizes half = sizes;
    half.back() /= 2;
    const at::Tensor y = unwritten(at::empty(half, x.options()));
    cuda::geglu(number(), x.const_data_ptr(), y.mutable_data_ptr(), y.numel() / half.back(), half.back(), nullptr);
    const auto halves = exact(x).chunk(2, -1);
    expect_near(y, halves[0] * at::gelu(halves[1]));
  }
}

TEST_P(EmulatedKernels, SumsEqualFloat64) {
  for (const auto& sizes : std::vector<Sizes>{{2, 33, 7, 5}, {1, 1, 1, 1}, {3, 320, 2, 2}}) {
    const at::Tensor x = image(sizes), residual = image(sizes), bias = random({sizes[1]}),
                     per_image = random({sizes[0], sizes[1]});
    const auto add = [&](const at::Tensor& a, const at::Tensor& b, const at::Tensor& c) {
      const at::Tensor y = unwritten(x);
      const auto pointer = [](const at::Tensor& one) { return one.defined() ? one.const_data_ptr() : nullptr; };
      cuda::add(number(), x.const_data_ptr(), y.mutable_data_ptr(), shape_of(x), pointer(a), pointer(b), pointer(c),
                nullptr);
      return y;
    };
    const at::Tensor of_bias = exact(bias).view({1, sizes[1], 1, 1}),
                     of_image = exact(per_image).view({sizes[0], sizes[1], 1, 1});
    expect_near(add(bias, per_image, residual), exact(x) + of_bias + of_image + exact(residual));
    expect_near(add(bias, {}, {}), exact(x) + of_bias);
    expect_near(add({}, per_image, {}), exact(x) + of_image);
    expect_near(add({}, {}, residual), exact(x) + exact(residual));
  }
}

TEST_P(EmulatedKernels, PhasesArePutTogetherAsOnTheCpu) {
  const at::Tensor phases = image({2, 4 * 3, 9, 6});
  const at::Tensor got = unwritten(image({2, 3, 16, 10}));
  cuda::interleave(number(), phases.const_data_ptr(), got.mutable_data_ptr(), 2, 8, 5, 3, nullptr);
  for (std::int64_t odd_row : {0, 1}) {
    for (std::int64_t odd_column : {0, 1}) {
      const at::Tensor phase =
          phases.narrow(1, (2 * odd_row + odd_column) * 3, 3).narrow(2, odd_row, 8).narrow(3, odd_column, 5);
      EXPECT_TRUE(got.slice(2, odd_row, {}, 2).slice(3, odd_column, {}, 2).equal(phase)) << odd_row << odd_column;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, EmulatedKernels, testing::Values(at::kFloat, at::kHalf, at::kBFloat16),
                         [](const auto& test) { return std::string(c10::toString(test.param)); });

}  // namespace
}  // namespace fewstep
