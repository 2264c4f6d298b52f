#include "images/tripwires.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace fewstep {
namespace {

// Each value of a 32 × 32 image by its place.
template <typename Level>
Image image_of(Level&& level) {
  Image image{32, 32, {}};
  for (int y = 0; y < 32; ++y)
    for (int x = 0; x < 32; ++x)
      for (int channel = 0; channel < 3; ++channel)
        image.rgb.push_back(static_cast<std::uint8_t>(level(y, x, channel)));
  return image;
}

TEST(Tripwires, FindBlackAndOneColourUpToTwoLevels) {
  EXPECT_EQ(trips_of(image_of([](int, int, int) { return 0; })), kOneColour);
  EXPECT_EQ(trips_of(image_of([](int, int, int channel) { return 40 * channel; })), kOneColour);
  EXPECT_EQ(trips_of(image_of([](int y, int x, int) { return 100 + (x + y) % 3; })), kOneColour);
  EXPECT_EQ(trips_of(image_of([](int y, int, int channel) { return channel == 2 && y > 7 ? 103 : 100; })), 0u)
      << "three levels in one channel";
}

TEST(Tripwires, FindNoise) {
  std::mt19937 random(1);
  EXPECT_EQ(trips_of(image_of([&](int, int, int) { return random() & 255; })), kNoise);
  // Noise over a slope: neighbours are alike again once the slope is as wide as the noise.
  EXPECT_EQ(trips_of(image_of([&](int, int x, int) { return 4 * x + (random() & 127); })), 0u);
  EXPECT_EQ(trips_of(image_of([&](int, int x, int) { return x + (random() & 127); })), kNoise);
}

TEST(Tripwires, LeavePicturesAlone) {
  EXPECT_EQ(trips_of(image_of([](int y, int x, int) { return 4 * x + y; })), 0u);
  EXPECT_EQ(trips_of(image_of([](int y, int x, int) { return std::hypot(x - 16, y - 16) < 8 ? 240 : 20; })), 0u);
}

TEST(Tripwires, TakeACheckerboardForNoise) {
  EXPECT_NEAR(neighbour_correlation(image_of([](int y, int x, int) { return (x + y) % 2 * 255; })), -1, 1e-12);
  EXPECT_NEAR(neighbour_correlation(image_of([](int y, int, int) { return y < 16 ? 0 : 255; })), 1 - 2.0 / 62, 0.02);
  EXPECT_EQ(neighbour_correlation(Image{1, 1, {1, 2, 3}}), 1) << "no neighbours";
}

}  // namespace
}  // namespace fewstep
