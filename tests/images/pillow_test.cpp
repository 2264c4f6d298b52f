#include "core/error.h"
#include "core/files.h"
#include "formats/json.h"
#include "formats/safetensors.h"
#include "images/files.h"
#include "tests/warnings.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <set>

namespace fewstep {
namespace {

namespace fs = std::filesystem;

const fs::path kGolden = fs::path(FEWSTEP_TEST_DATA) / "images";

// docs/parity.md gives the reasons.
const std::set<std::string> kRefused{"LAB.tif", "YCbCr.tif", "F.ppm"};

int largest_difference(const Image& image, const TensorView& expected) {
  if (expected.shape != std::vector<std::int64_t>{image.height, image.width, 3}) return 256;
  int largest = 0;
  for (std::size_t i = 0; i < image.rgb.size(); ++i)
    largest = std::max(largest, std::abs(image.rgb[i] - std::to_integer<int>(expected.data[i])));
  return largest;
}

TEST(PillowsModes, AreEachReadInEveryFormatAndDepthAsPillowReadsThem) {
  const Warnings warnings;
  const auto pixels = SafetensorsFile::open(kGolden / "pixels.safetensors");
  const auto modes = read_json_object(kGolden / "modes.json");
  EXPECT_EQ(modes.size(), 146u) << "remake with: make golden";
  for (const auto& [name, mode] : modes.items()) {
    if (kRefused.contains(name)) {
      EXPECT_THROW(read_image(kGolden / "files" / name), Error) << name;
      continue;
    }
    try {
      EXPECT_EQ(largest_difference(read_image(kGolden / "files" / name), pixels.tensors().at(name)), 0)
          << name << ", which Pillow opens as " << mode;
    } catch (const Error& error) {
      ADD_FAILURE() << name << ", which Pillow opens as " << mode << ": " << error.what();
    }
  }
}

TEST(PillowsModes, OfWideGreyAreClippedWithAWord) {
  const Warnings warnings;
  read_image(kGolden / "files/grey16.png");
  EXPECT_THAT(warnings.text(),
              testing::HasSubstr("grey16.png] grey of more than 8 bits: values above 255 are clipped"));
}

}  // namespace
}  // namespace fewstep
