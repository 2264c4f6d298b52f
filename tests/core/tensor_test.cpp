#include "core/tensor.h"

#include "core/device.h"
#include "core/error.h"
#include "temporary.h"

#include <ATen/Context.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>

namespace fewstep {
namespace {

TEST(Dtype, IsReadFromItsName) {
  EXPECT_EQ(parse_dtype("float32"), at::kFloat);
  EXPECT_EQ(parse_dtype("float16"), at::kHalf);
  EXPECT_EQ(parse_dtype("bfloat16"), at::kBFloat16);
  EXPECT_FEWSTEP_ERROR(parse_dtype("fp16"), ExitCode::kUsage, "unknown name \"fp16\"");
}

TEST(ToImages, RoundsToTheNearestEvenAndClamps) {
  const Tensor row = at::tensor({-5.0F, -1.0F, 0.0F, 0.5F, 1.0F, 5.0F});
  const auto images = to_images(row.reshape({1, 1, 1, 6}).expand({1, 3, 1, 6}));
  ASSERT_EQ(images.size(), 1);
  EXPECT_EQ(images[0].height, 1);
  EXPECT_EQ(images[0].width, 6);
  const std::vector<std::uint8_t> expected{0, 0, 128, 191, 255, 255};  // 127.5 → 128, 191.25 → 191
  for (int x = 0; x < 6; ++x) {
    for (int c = 0; c < 3; ++c) EXPECT_EQ(images[0].rgb[x * 3 + c], expected[x]) << x;
  }
}

TEST(ToImages, InterleavesChannelsOfEachImage) {
  const Tensor levels = at::linspace(-1, 1, 2 * 3 * 2 * 2).reshape({2, 3, 2, 2});
  const auto images = to_images(levels);
  ASSERT_EQ(images.size(), 2);
  for (int b = 0; b < 2; ++b) {
    for (int y = 0; y < 2; ++y) {
      for (int x = 0; x < 2; ++x) {
        for (int c = 0; c < 3; ++c) {
          const double level = levels[b][c][y][x].item<float>();
          EXPECT_EQ(images[b].rgb[(y * 2 + x) * 3 + c], std::nearbyint((level / 2 + 0.5) * 255));
        }
      }
    }
  }
}

TEST(ToImages, RefusesNanAndInfinityInsteadOfBlackPixels) {
  for (const double value : {std::nan(""), static_cast<double>(INFINITY), -static_cast<double>(INFINITY)}) {
    Tensor images = at::full({1, 3, 2, 2}, 0.0);
    images[0][1][0][1] = value;
    EXPECT_FEWSTEP_ERROR(to_images(images), ExitCode::kInput, "in 1 of 1 images of a batch");
  }
}

TEST(FromImages, IsUndoneByToImages) {
  std::vector<Image> images(2, Image{16, 16, std::vector<std::uint8_t>(16 * 16 * 3)});
  for (std::size_t i = 0; i < images[0].rgb.size(); ++i) {
    images[0].rgb[i] = static_cast<std::uint8_t>(i % 256);
    images[1].rgb[i] = static_cast<std::uint8_t>(255 - i % 256);
  }
  const Tensor tensor = from_images(images);
  EXPECT_EQ(tensor.sizes(), (at::IntArrayRef{2, 3, 16, 16}));
  EXPECT_TRUE(tensor.is_contiguous());
  EXPECT_EQ(tensor.min().item<float>(), -1);
  EXPECT_EQ(tensor.max().item<float>(), 1);
  EXPECT_EQ(to_images(tensor), images);
}

TEST(FromImages, RefusesNoImagesAndTwoSizes) {
  EXPECT_FEWSTEP_ERROR(from_images({}), ExitCode::kInput, "at least one");
  const std::vector<Image> images{{1, 2, std::vector<std::uint8_t>(6)}, {2, 1, std::vector<std::uint8_t>(6)}};
  EXPECT_FEWSTEP_ERROR(from_images(images), ExitCode::kInput, "expected one size, 1x2, got 2x1");
}

TEST(ParseDevice, SwitchesTf32Off) {
  at::globalContext().setAllowTF32CuBLAS(true);
  at::globalContext().setAllowTF32CuDNN(true);
  parse_device("cpu");
  EXPECT_FALSE(at::globalContext().allowTF32CuBLAS());
  EXPECT_FALSE(at::globalContext().allowTF32CuDNN());
}

}  // namespace
}  // namespace fewstep
