#include "images/files.h"
#include "core/error.h"
#include "core/files.h"
#include "tests/temporary.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <sstream>

#include <zlib.h>

namespace fewstep {
namespace {

const std::filesystem::path kImages = std::filesystem::path(FEWSTEP_TEST_DATA) / "datasets/images";

Image read_ppm(const std::filesystem::path& file) {
  const std::string bytes = read_file(file);
  std::istringstream header(bytes);
  std::string magic;
  int width = 0, height = 0, maximum = 0;
  header >> magic >> width >> height >> maximum;
  const std::string pixels = bytes.substr(bytes.size() - std::size_t{3} * width * height);
  return {height, width, {pixels.begin(), pixels.end()}};
}

int largest_difference(const Image& a, const Image& b) {
  EXPECT_EQ(a.height, b.height);
  EXPECT_EQ(a.width, b.width);
  if (a.rgb.size() != b.rgb.size()) return 256;
  int largest = 0;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) largest = std::max(largest, std::abs(a.rgb[i] - b.rgb[i]));
  return largest;
}

class ImageFiles : public testing::TestWithParam<std::string> {};

TEST_P(ImageFiles, AreDecodedAsPillowDoes) {
  const auto file = kImages / GetParam();
  EXPECT_EQ(largest_difference(read_image(file), read_ppm(file.string() + ".ppm")), 0) << "remake with: make golden";
}

// The last bytes may be padding, or tags that say nothing about the pixels.
TEST_P(ImageFiles, CutAnywhereAreAnErrorOrHaveAllTheirPixels) {
  const TemporaryFolder folder;
  std::size_t read = 0;
  const std::string whole = read_file(kImages / GetParam());
  const std::size_t step = 1 + whole.size() / 150;
  for (std::size_t size = 0; size < whole.size(); size += size + 30 < whole.size() ? step : 1) {
    const auto file = folder.write(GetParam(), whole.substr(0, size));
    try {
      EXPECT_EQ(read_image(file), read_image(kImages / GetParam())) << size << " of " << whole.size() << " bytes";
      ++read;
    } catch (const Error&) {
    }
  }
  EXPECT_LE(read, 4u);
}

TEST_P(ImageFiles, AreMeasuredBeforeTheyAreDecoded) {
  const auto file = kImages / GetParam();
  const Image image = read_image(file);
  const std::int64_t pixels = std::int64_t{image.height} * image.width;
  EXPECT_EQ(read_image(file, pixels), image);
  EXPECT_FEWSTEP_ERROR(read_image(file, pixels - 1), ExitCode::kInput,
                       "expected at most " + std::to_string(pixels - 1) + " pixels, got " +
                           std::to_string(image.width) + "x" + std::to_string(image.height));
}

INSTANTIATE_TEST_SUITE_P(Images, ImageFiles,
                         testing::Values("rgb.png", "grey.png", "rgba.png", "grey_alpha.png", "palette.png",
                                         "palette_transparent.png", "transparent_colour.png", "one_bit.png",
                                         "two_bit_palette.png", "rgb16.png", "gamma.png", "444.jpg", "420.jpg",
                                         "422.jpg", "progressive.jpg", "restarts.jpeg", "grey.jpg", "turned.jpg",
                                         "rgb.bmp", "palette.bmp", "grey.bmp", "lossy.webp", "lossless.webp",
                                         "rgba.webp", "plain.tif", "lzw.tiff", "grey.tif", "cmyk.jpg"),
                         [](const auto& test) {
                           std::string name = test.param;
                           for (char& c : name)
                             if (!std::isalnum(static_cast<unsigned char>(c))) c = '_';
                           return name;
                         });

// Recognised by content: a name says nothing.
TEST(Images, MayHaveTheNameOfAnotherFormat) {
  const TemporaryFolder folder;
  const auto file = folder.write("a.png", read_file(kImages / "444.jpg"));
  EXPECT_EQ(read_image(file), read_image(kImages / "444.jpg"));
}

TEST(Images, ThatAreNoneAreRefused) {
  const TemporaryFolder folder;
  using namespace std::string_literals;
  EXPECT_FEWSTEP_ERROR(read_image(folder.write("text.png", "not an image")), ExitCode::kInput,
                       "text.png] expected a PNG, JPEG, WebP, TIFF, BMP, GIF or portable map (.ppm), got other bytes");
  EXPECT_FEWSTEP_ERROR(read_image(folder.write("empty.png", "")), ExitCode::kInput, "empty.png");
  EXPECT_FEWSTEP_ERROR(read_image(folder.write("zeros.jpg", std::string(5000, '\0'))), ExitCode::kInput, "other bytes");
  EXPECT_FEWSTEP_ERROR(read_image(folder.path() / "missing.png"), ExitCode::kInput, "missing.png");
  EXPECT_FEWSTEP_ERROR(read_image(folder.path()), ExitCode::kInput, "got a folder");
}

TEST(Images, OfOtherKindsAreToldByTheirKind) {
  const TemporaryFolder folder;
  using namespace std::string_literals;
  const auto refused = [&](const std::string& bytes, const std::string& text) {
    EXPECT_FEWSTEP_ERROR(read_image(folder.write("a.jpg", bytes)), ExitCode::kInput, "got " + text);
  };
  refused("\0\0\0\x1c"s + "ftypavif and more", "AVIF; convert it");
  refused("\0\0\0\x18"s + "ftypheic", "HEIC; convert it");
  refused("<!DOCTYPE html><html>", "a page of HTML, as a failed download leaves it");
  refused("\0\x05\x16\x07"s + "rest", "an AppleDouble file of macOS");
  refused("", "an empty file");
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\n";
  EXPECT_FEWSTEP_ERROR(read_image(folder.write("a.jpg", pointer)), ExitCode::kInput, "git lfs pull");
  EXPECT_FEWSTEP_ERROR(decode_image(pointer, "shard.tar: a.jpg"), ExitCode::kInput, "a.jpg] expected");
  EXPECT_FEWSTEP_ERROR(decode_image(pointer, "shard.tar: a.jpg"), ExitCode::kInput, "got a Git LFS pointer");
}

// A PNG with other sizes in its header, and the checksum that belongs to them.
std::string resized(std::string png, std::string_view sizes) {
  png.replace(16, 8, sizes);
  const auto sum = static_cast<std::uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(&png[12]), 17));
  for (int i = 0; i < 4; ++i) png[29 + static_cast<std::size_t>(i)] = static_cast<char>(sum >> (24 - 8 * i));
  return png;
}

// 30,000 × 30,000 pixels in a file of 70 bytes.
TEST(Images, OfAbsurdSizeAreRefusedBeforeTheyAreDecoded) {
  const TemporaryFolder folder;
  using namespace std::string_view_literals;
  const std::string png = read_file(kImages / "grey.png");
  EXPECT_FEWSTEP_ERROR(read_image(folder.write("a.png", resized(png, "\0\0\x75\x30\0\0\x75\x30"sv))), ExitCode::kInput,
                       "pixels, got 30000x30000");
  EXPECT_FEWSTEP_ERROR(read_image(folder.write("b.png", resized(png, "\x7f\xff\xff\xff\x7f\xff\xff\xff"sv))),
                       ExitCode::kInput, "pixels, got 2147483647x2147483647");
  EXPECT_FEWSTEP_ERROR(read_image(folder.write("c.png", resized(png, "\0\0\0\0\0\0\0\0"sv))), ExitCode::kInput,
                       "expected a whole PNG");
}

TEST(Images, WithABrokenMiddleAreRefused) {
  const TemporaryFolder folder;
  std::string png = read_file(kImages / "rgb.png");
  for (std::size_t i = 0; i < 40; ++i) png[png.size() / 2 + i] ^= 0x55;
  EXPECT_FEWSTEP_ERROR(read_image(folder.write("a.png", png)), ExitCode::kInput,
                       "expected a whole PNG image, got broken");
}

TEST(Images, AreListedInByteOrderAndNothingElse) {
  const TemporaryFolder folder;
  for (const char* name : {"b.png", "B.jpg", "a10.webp", "a2.PNG", "é.bmp", "x.tiff", "y.tif", "z.jpeg"})
    folder.write(name, "");
  for (const char* name : {"notes.txt", "png", "a.png.part", "below/deep.png", "folder.png/inner.txt"})
    folder.write(name, "");
  std::vector<std::string> names;
  for (const auto& file : list_images(folder.path()).files) names.push_back(file.filename());
  EXPECT_THAT(names,
              testing::ElementsAre("B.jpg", "a10.webp", "a2.PNG", "b.png", "x.tiff", "y.tif", "z.jpeg", "é.bmp"));
}

TEST(Images, OfAMissingOrEmptyFolderAreAnError) {
  const TemporaryFolder folder;
  EXPECT_FEWSTEP_ERROR(list_images(folder.path()), ExitCode::kInput, "expected images (.png .jpg");
  EXPECT_FEWSTEP_ERROR(list_images(folder.path() / "no"), ExitCode::kInput, "No such file");
  EXPECT_FEWSTEP_ERROR(list_images(folder.write("a.png", "")), ExitCode::kInput, "expected a folder of images");
}

TEST(Images, SurviveBeingWritten) {
  const TemporaryFolder folder;
  const Image image = read_image(kImages / "rgb.png");
  write_png(folder.path() / "copy.png", image);
  EXPECT_EQ(read_image(folder.path() / "copy.png"), image);
  EXPECT_EQ(read_file(folder.path() / "copy.png"), encode_png(image));
  const Image dot{1, 1, {1, 2, 3}};
  write_png(folder.path() / "copy.png", dot);
  EXPECT_EQ(read_image(folder.path() / "copy.png"), dot);
}

TEST(Images, ThatCannotBeWrittenLeaveNothing) {
  const TemporaryFolder folder;
  EXPECT_FEWSTEP_ERROR(write_png(folder.path() / "no/such/folder.png", {1, 1, {1, 2, 3}}), ExitCode::kEnvironment,
                       "folder.png");
  EXPECT_FEWSTEP_ERROR(write_png(folder.path() / "a.png", {2, 2, {1, 2, 3}}), ExitCode::kInput, "height x width x 3");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace fewstep
