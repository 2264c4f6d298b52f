#include "core/error.h"
#include "core/files.h"
#include "datasets/captioned_images.h"
#include "datasets/captions.h"
#include "images/files.h"
#include "tests/formats/tar_bytes.h"
#include "tests/mutated.h"
#include "tests/temporary.h"
#include "tests/warnings.h"

#include <cstdlib>

namespace fewstep {
namespace {

const std::filesystem::path kData = std::filesystem::path(FEWSTEP_TEST_DATA) / "datasets";

int rounds() { return std::getenv("FEWSTEP_TORTURE") ? 10'000 : 500; }

// Whatever the bytes are, read gives a result or an Error: any other exception fails the test, a crash all the more.
template <typename Read>
void expect_error_or_result(const std::filesystem::path& original, const Read& read) {
  const TemporaryFolder folder;
  const std::string whole = read_file(original);
  Random random(20240607);
  int refused = 0;
  for (int i = 0; i < rounds(); ++i) {
    const auto file = folder.write(original.filename(), mutated(whole, random));
    try {
      read(file);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kInput) << error.what();
      EXPECT_NE(std::string(error.what()).find(original.filename()), std::string::npos) << error.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, 0);
}

class MutatedCaptions : public testing::TestWithParam<std::string> {};

TEST_P(MutatedCaptions, GiveAnErrorOrAResult) {
  expect_error_or_result(kData / "captions" / GetParam(), [](const std::filesystem::path& file) {
    PromptQuery query{.file = file};
    if (file.extension() == ".parquet" && file.stem() != "same")
      query.where = {{.column = "AESTHETIC_SCORE", .at_least = 5}, {.column = "pwatermark", .at_most = 1}};
    else if (file.extension() != ".txt")
      query.where = {{.column = "id", .at_least = 101}};
    const PromptSet set = read_prompts(query);
    EXPECT_FALSE(set.prompts.empty());
    EXPECT_EQ(set.rows_read,
              static_cast<std::int64_t>(set.prompts.size()) + set.rows_filtered + set.rows_empty + set.rows_left_out);
  });
}

INSTANTIATE_TEST_SUITE_P(Mutations, MutatedCaptions,
                         testing::Values("same.txt", "same.csv", "same.tsv", "same.jsonl", "same.parquet",
                                         "laion.parquet", "zstd.parquet", "gzip.parquet", "dictionary.parquet",
                                         "string_view.parquet"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

class MutatedImages : public testing::TestWithParam<std::string> {};

TEST_P(MutatedImages, GiveAnErrorOrAResult) {
  const Warnings warnings;
  expect_error_or_result(kData / "images" / GetParam(), [](const std::filesystem::path& file) {
    const Image image = read_image(file, 1 << 20);
    EXPECT_EQ(image.rgb.size(), std::size_t{3} * image.height * image.width);
  });
}

INSTANTIATE_TEST_SUITE_P(Mutations, MutatedImages,
                         testing::Values("rgb.png", "palette_transparent.png", "two_bit_palette.png", "rgb16.png",
                                         "420.jpg", "progressive.jpg", "cmyk.jpg", "rgb.bmp", "palette.bmp",
                                         "lossy.webp", "lossless.webp", "rgba.webp", "plain.tif", "lzw.tiff"),
                         [](const auto& test) {
                           std::string name = "_" + test.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name.substr(1);
                         });

// The formats that datasets/images has not.
class MutatedOddImages : public testing::TestWithParam<std::string> {};

TEST_P(MutatedOddImages, GiveAnErrorOrAResult) {
  const Warnings warnings;
  expect_error_or_result(std::filesystem::path(FEWSTEP_TEST_DATA) / "images/files" / GetParam(),
                         [](const std::filesystem::path& file) {
                           const Image image = read_image(file, 1 << 20);
                           EXPECT_EQ(image.rgb.size(), std::size_t{3} * image.height * image.width);
                         });
}

INSTANTIATE_TEST_SUITE_P(Mutations, MutatedOddImages,
                         testing::Values("transparent.gif", "moving.gif", "interlaced.gif", "moving.png", "moving.webp",
                                         "rle8.bmp", "rle4.bmp", "one.bmp", "565.bmp", "bgra.bmp", "p1.pbm", "p3.ppm",
                                         "p4.pbm", "p5_16.pgm", "p6_7.ppm", "planes.tif", "tiled.tif", "predictor.tif",
                                         "1_group4.tif", "L_jpeg.tif", "RGB_jpeg.tif", "CMYK_tiff_lzw.tif",
                                         "palette4.tif", "grey16_big.tif", "turned6.tif", "premultiplied.tif",
                                         "pages.tif"),
                         [](const auto& test) {
                           std::string name = "_" + test.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name.substr(1);
                         });

TEST(MutatedDialects, GiveAnErrorOrAResult) {
  const Warnings warnings;
  const TemporaryFolder folder;
  const std::filesystem::path tables[] = {
      folder.write("a.csv", "sep=;\r\ncaption;id\r\n\"a; \"\"b\"\"\r\nc\";1\r\nd;2\r\n"),
      folder.write("b.tsv", "file_name\tcaption\n0.png\t\"two\nlines\"\n1.png\t5\" screen\n"),
      folder.write("c.csv", "a photo, of a cat\na red boat, too\n"), folder.write("d.txt", "a cat\ra dog\r"),
      folder.write("e.jsonl", "{\"text\": \"a\", \"id\": NaN}\n{\"text\": \"b\", \"id\": -Infinity}\n")};
  for (const auto& table : tables) {
    SCOPED_TRACE(table.filename());
    expect_error_or_result(table, [](const std::filesystem::path& file) {
      const PromptSet set = read_prompts({.file = file, .files = FileNames::kWhereThere, .max_left_out = 0.5});
      EXPECT_FALSE(set.prompts.empty());
      for (const Prompt& prompt : set.prompts) EXPECT_TRUE(set.names_files || prompt.file.empty());
    });
  }
}

class MutatedShards : public testing::TestWithParam<const char*> {};

TEST_P(MutatedShards, GiveAnErrorOrAResult) {
  const std::string image = read_file(kData / "images/420.jpg");
  const TemporaryFolder folder;
  const auto whole = folder.write(
      "a.tar",
      tar_bytes({{"0.jpg", image}, {"0.txt", "a"}, {"1.jpg", image}, {"1.json", R"({"caption": "b"})"}}, GetParam()));
  expect_error_or_result(whole, [](const std::filesystem::path& file) {
    const Warnings warnings;
    const CaptionedImages set = open_captioned_images({.images = file});
    EXPECT_GT(set.count, 0);
    for (std::int64_t i = 0; i < set.count; ++i) EXPECT_FALSE(set.at(i).caption.empty());
  });
}

INSTANTIATE_TEST_SUITE_P(Mutations, MutatedShards, testing::Values("ustar", "pax", "gnutar"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace fewstep
