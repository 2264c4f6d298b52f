#include "images/resize.h"

#include "core/error.h"
#include "core/files.h"
#include "golden.h"
#include "metrics/hashed_images.h"
#include "temporary.h"

namespace fewstep {
namespace {

PilFilter filter_of(const std::string& name) {
  return name == "bilinear" ? PilFilter::kBilinear : name == "bicubic" ? PilFilter::kBicubic : PilFilter::kLanczos;
}

std::string hash_of(const Image& image) {
  return sha256({reinterpret_cast<const char*>(image.rgb.data()), image.rgb.size()});
}

TEST(Resize, EqualsPillowBitForBitOnRandomSizes) {
  const auto cases = golden_json("metrics/resize.json");
  EXPECT_GE(cases.size(), 150u);
  for (const auto& c : cases) {
    const int height = c.at("height"), width = c.at("width");
    const Image source = hashed_image("resize " + std::to_string(height) + "x" + std::to_string(width), height, width);
    const Image out = resize_pil(source, c.at("out_height"), c.at("out_width"), filter_of(c.at("filter")));
    if (c.contains("bytes")) {
      EXPECT_EQ(out.rgb, c.at("bytes").get<std::vector<std::uint8_t>>());
    }
    EXPECT_EQ(hash_of(out), c.at("sha256")) << c << "; remake with: make golden";
  }
}

TEST(Resize, InFloatIsNeitherRoundedNorClipped) {
  const Image source = hashed_image("float", 40, 30);
  constexpr int kHeight = 17, kWidth = 61, kPlane = kHeight * kWidth;
  for (const PilFilter filter : {PilFilter::kBilinear, PilFilter::kBicubic, PilFilter::kLanczos}) {
    const auto planes = resize_pil_float(source, kHeight, kWidth, filter);
    ASSERT_EQ(planes.size(), 3u * kPlane);
    EXPECT_GT(std::count_if(planes.begin(), planes.end(), [](float x) { return x != std::floor(x); }), 1000);
    const auto beyond = std::count_if(planes.begin(), planes.end(), [](float x) { return x < 0 || x > 255; });
    if (filter != PilFilter::kBilinear) {
      EXPECT_GT(beyond, 10);  // negative weights overshoot, and nothing cuts that off
      continue;
    }
    EXPECT_EQ(beyond, 0);
    const Image rounded = resize_pil(source, kHeight, kWidth, filter);
    for (std::size_t i = 0; i < planes.size(); ++i)
      EXPECT_NEAR(planes[i], rounded.rgb[3 * (i % kPlane) + i / kPlane], 1.0f);  // half a level for each of two passes
  }
}

TEST(Resize, CropsTheMiddleAsTransformersDoes) {
  for (const auto& c : golden_json("metrics/crop.json")) {
    const int height = c.at("height"), width = c.at("width");
    const Image source = hashed_image("crop " + std::to_string(height) + "x" + std::to_string(width), height, width, 2);
    EXPECT_EQ(center_crop(source, c.at("out_height"), c.at("out_width")).rgb,
              c.at("bytes").get<std::vector<std::uint8_t>>())
        << height << "x" << width << "; remake with: make golden";
  }
}

TEST(Resize, RefusesEmptyImagesAndSizes) {
  EXPECT_FEWSTEP_ERROR(resize_pil({}, 4, 4, PilFilter::kBicubic), ExitCode::kInput, "expected an image of height");
  EXPECT_FEWSTEP_ERROR(resize_pil(hashed_image("x", 2, 2), 0, 4, PilFilter::kBicubic), ExitCode::kUsage,
                       "at least 1x1");
}

TEST(Resize, OfASquareImageIsThatOfItsMiddleByLanczos) {
  Image image{20, 33, {}};
  for (int i = 0; i < 20 * 33 * 3; ++i) image.rgb.push_back(static_cast<std::uint8_t>(i * i / 7));
  EXPECT_EQ(square_image(image, 8), resize_pil(center_crop(image, 20, 20), 8, 8, PilFilter::kLanczos));
  EXPECT_EQ(square_image(image, 32), resize_pil(center_crop(image, 20, 20), 32, 32, PilFilter::kLanczos));
  EXPECT_EQ(square_image(image, 20), center_crop(image, 20, 20));
  EXPECT_FEWSTEP_ERROR(square_image(image, 0), ExitCode::kUsage, "");
}
}  // namespace
}  // namespace fewstep
