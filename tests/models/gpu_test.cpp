// Our CUDA kernels against float64 on a CPU, within a few roundings of their type.
#include "models/gpu.h"

#include "core/device.h"
#include "core/error.h"
#include "models/recordings.h"

#include <ATen/Functions.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include <optional>

namespace fewstep {
namespace {

class OurKernels : public testing::TestWithParam<at::ScalarType> {
 protected:
  void SetUp() override {
    try {
      device_ = parse_device("cuda:0");
    } catch (const Error&) {
      GTEST_SKIP() << "no CUDA device";
    }
    kernels_ = gpu_kernels(at::ones({1}, at::TensorOptions(*device_)));
    if (!kernels_) GTEST_SKIP() << "no libfewstep_cuda.so beside the program; build with FEWSTEP_CUDA=ON";
    at::manual_seed(5);
  }
  // Random numbers, rounded to the type, off centre.
  Tensor random(at::IntArrayRef sizes, double mean = 0) const { return (at::randn(sizes) + mean).to(GetParam()); }
  Tensor image(at::IntArrayRef sizes, double mean = 0) const {
    return random(sizes, mean).contiguous(at::MemoryFormat::ChannelsLast);
  }
  Tensor there(const Tensor& x) const { return x.defined() ? x.to(*device_) : x; }
  static Tensor exact(const Tensor& x) { return x.to(at::kDouble); }
  // In roundings of the type at the largest value.
  void expect_near(const Tensor& got, const Tensor& expected, double roundings) const {
    const double epsilon = GetParam() == at::kFloat ? 1.2e-7 : GetParam() == at::kHalf ? 9.8e-4 : 7.8e-3;
    const double largest = std::max(1.0, expected.abs().max().item<double>());
    EXPECT_LE((exact(got.cpu()) - expected).abs().max().item<double>(), roundings * epsilon * largest)
        << expected.sizes();
  }

  const c10::InferenceMode inference_;
  std::optional<at::Device> device_;
  const GpuKernels* kernels_ = nullptr;
};

TEST_P(OurKernels, GroupNormEqualsFloat64OnCuda) {
  for (const auto& [sizes, groups] :
       std::vector<std::pair<std::vector<std::int64_t>, std::int64_t>>{{{2, 320, 64, 64}, 32},
                                                                       {{1, 1280, 8, 8}, 32},
                                                                       {{1, 128, 512, 512}, 32},
                                                                       {{3, 2560, 16, 16}, 32},
                                                                       {{2, 64, 5, 7}, 16}}) {
    const Tensor x = image(sizes, 2), weight = random({sizes[1]}, 1), bias = random({sizes[1]});
    const Tensor expected = at::group_norm(exact(x), groups, exact(weight), exact(bias), 1e-5);
    const auto run = [&](bool silu) {
      return kernels_->group_norm(there(x), groups, there(weight), there(bias), 1e-5, silu);
    };
    EXPECT_TRUE(run(false).is_contiguous(at::MemoryFormat::ChannelsLast));
    expect_near(run(false), expected, 8);
    expect_near(run(true), at::silu(expected), 8);
  }
}

TEST_P(OurKernels, LayerNormEqualsFloat64OnCuda) {
  for (const auto& sizes :
       std::vector<std::vector<std::int64_t>>{{2, 4096, 320}, {1, 77, 768}, {5, 3, 1280}, {2, 33}}) {
    const Tensor x = random(sizes, 1), weight = random({sizes.back()}, 1), bias = random({sizes.back()});
    expect_near(kernels_->layer_norm(there(x), there(weight), there(bias), 1e-5),
                at::layer_norm(exact(x), {sizes.back()}, exact(weight), exact(bias), 1e-5), 8);
  }
}

TEST_P(OurKernels, GegluEqualsFloat64OnCuda) {
  const Tensor x = random({2, 1024, 2560});
  const auto halves = exact(x).chunk(2, -1);
  expect_near(kernels_->geglu(there(x)), halves[0] * at::gelu(halves[1]), 4);
}

TEST_P(OurKernels, SumsEqualFloat64OnCuda) {
  const Tensor x = image({2, 320, 16, 16}), residual = image({2, 320, 16, 16}), bias = random({320}),
               per_image = random({2, 320});
  const Tensor of_bias = exact(bias).view({1, 320, 1, 1}), of_image = exact(per_image).view({2, 320, 1, 1});
  expect_near(kernels_->add(there(x), there(bias), there(per_image), there(residual)),
              exact(x) + of_bias + of_image + exact(residual), 2);
  expect_near(kernels_->add(there(x), there(bias), {}, {}), exact(x) + of_bias, 2);
  expect_near(kernels_->add(there(x), {}, {}, there(residual)), exact(x) + exact(residual), 2);
}

TEST_P(OurKernels, PhasesArePutTogetherAsOnTheCpuOnCuda) {
  const Tensor phases = image({2, 4 * 24, 9, 6});
  const Tensor got = kernels_->interleave(there(phases)).cpu();
  ASSERT_EQ(got.sizes(), (std::vector<std::int64_t>{2, 24, 16, 10}));
  for (std::int64_t odd_row : {0, 1}) {
    for (std::int64_t odd_column : {0, 1}) {
      const Tensor phase =
          phases.narrow(1, (2 * odd_row + odd_column) * 24, 24).narrow(2, odd_row, 8).narrow(3, odd_column, 5);
      EXPECT_TRUE(got.slice(2, odd_row, {}, 2).slice(3, odd_column, {}, 2).equal(phase));
    }
  }
}

TEST_P(OurKernels, GiveTheSameBitsAgainOnCuda) {
  const Tensor x = there(image({4, 320, 64, 64}, 1)), weight = there(random({320}, 1)), bias = there(random({320}));
  const Tensor first = kernels_->group_norm(x, 32, weight, bias, 1e-5, true);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(first.equal(kernels_->group_norm(x, 32, weight, bias, 1e-5, true)));
  const Tensor alone = kernels_->group_norm(x.slice(0, 2, 3), 32, weight, bias, 1e-5, true);
  EXPECT_TRUE(alone.equal(first.slice(0, 2, 3))) << "whatever batch it is in";
}

TEST_P(OurKernels, RecordedWorkEqualsTheWorkItselfOnCuda) {
  Recordings recordings;
  const Tensor weight = there(random({64, 64}));
  int calls = 0;
  const auto network = [&](const std::vector<Tensor>& inputs) {
    ++calls;
    return kernels_->geglu(at::matmul(inputs[0], weight));
  };
  const auto record = [&](const auto& work) { return kernels_->record(weight, work); };
  for (int i = 0; i < 4; ++i) {
    const Tensor x = there(random({128, 64}));
    EXPECT_TRUE(recordings.run({x}, network, record).equal(kernels_->geglu(at::matmul(x, weight))));
  }
  EXPECT_EQ(calls, 2) << "once to warm up and once to record";
}

INSTANTIATE_TEST_SUITE_P(Types, OurKernels, testing::Values(at::kFloat, at::kHalf, at::kBFloat16),
                         [](const auto& test) { return std::string(c10::toString(test.param)); });

TEST(GpuKernels, AreNotUsedForTensorsOfACpu) { EXPECT_EQ(gpu_kernels(at::ones({2, 4, 8, 8})), nullptr); }

}  // namespace
}  // namespace fewstep
