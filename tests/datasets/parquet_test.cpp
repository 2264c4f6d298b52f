#include "core/error.h"
#include "core/files.h"
#include "datasets/captions.h"
#include "tests/temporary.h"

#include <nlohmann/json.hpp>

#include <gmock/gmock.h>

namespace fewstep {
namespace {

const std::filesystem::path kCaptions = std::filesystem::path(FEWSTEP_TEST_DATA) / "datasets/captions";

const nlohmann::json& laion() {
  static const auto answers = nlohmann::json::parse(read_file(kCaptions / "laion.json"));
  return answers;
}

void expect_equal(const PromptSet& set, const nlohmann::json& expected) {
  auto prompts = nlohmann::json::array();
  for (const Prompt& prompt : set.prompts) prompts.push_back({prompt.row, prompt.text});
  EXPECT_EQ(prompts, expected.at("prompts")) << "remake with: make golden";
  EXPECT_EQ(set.rows_read, 60);
  EXPECT_EQ(set.rows_filtered, expected.at("filtered"));
  EXPECT_EQ(set.rows_empty, expected.at("empty"));
}

// LAION-Aesthetics metadata in the ways that writers encode it: compression, pages, dictionaries, string types.
class LaionMetadata : public testing::TestWithParam<std::string> {
 protected:
  std::filesystem::path file() const { return kCaptions / (GetParam() + ".parquet"); }
};

TEST_P(LaionMetadata, GivesEveryCaption) {
  const PromptSet set = read_prompts({.file = file()});
  EXPECT_EQ(set.text_column, "TEXT");
  expect_equal(set, laion().at("all"));
}

TEST_P(LaionMetadata, IsFilteredByTheScore) {
  expect_equal(read_prompts({.file = file(), .text = "TEXT", .where = {{.column = "AESTHETIC_SCORE", .at_least = 6}}}),
               laion().at("scored"));
}

TEST_P(LaionMetadata, IsFilteredBySeveralColumnsAtOnce) {
  expect_equal(read_prompts({.file = file(),
                             .where = {{.column = "AESTHETIC_SCORE", .at_least = 6},
                                       {.column = "HEIGHT", .at_least = 390},
                                       {.column = "HEIGHT", .at_most = 450},
                                       {.column = "pwatermark", .at_most = 0.5}}}),
               laion().at("sized"));
}

TEST_P(LaionMetadata, SaysHowManyRowsPassedWhenTheyAreTooFew) {
  EXPECT_FEWSTEP_ERROR(
      read_prompts({.file = file(), .where = {{.column = "AESTHETIC_SCORE", .at_least = 6}}, .count = 1000}),
      ExitCode::kInput,
      "expected 1000 captions, got " + std::to_string(laion().at("scored").at("prompts").size()) + ": of 60 rows");
}

TEST_P(LaionMetadata, CutAnywhereIsAnError) {
  const TemporaryFolder folder;
  const std::string whole = read_file(file());
  for (std::size_t size = 0; size < whole.size(); size += 1 + whole.size() / 97)
    EXPECT_FEWSTEP_ERROR(read_prompts({.file = folder.write("cut.parquet", whole.substr(0, size))}), ExitCode::kInput,
                         "cut.parquet");
}

INSTANTIATE_TEST_SUITE_P(Parquet, LaionMetadata,
                         testing::Values("laion", "zstd", "gzip", "checksums", "large_string", "string_view", "binary",
                                         "dictionary"),
                         [](const auto& test) { return test.param; });

TEST(Parquet, FiltersByNumbersOfEveryWidth) {
  for (const std::string type :
       {"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64"}) {
    const PromptSet set = read_prompts(
        {.file = kCaptions / "numbers.parquet", .text = "text", .where = {{.column = type, .at_least = 2}}});
    ASSERT_EQ(set.prompts.size(), 1U) << type;
    EXPECT_EQ(set.prompts[0].text, "hundred") << type;
    EXPECT_EQ(set.rows_filtered, 2) << type;
  }
}

TEST(Parquet, NamesTheRowThatIsNotUtf8) {
  EXPECT_FEWSTEP_ERROR(read_prompts({.file = kCaptions / "latin1.parquet"}), ExitCode::kInput,
                       "row 2] expected a caption in UTF-8");
}

TEST(Parquet, OffersTopLevelColumnsAlone) {
  const auto file = kCaptions / "nested.parquet";
  EXPECT_EQ(read_prompts({.file = file}).prompts[0].text, "outer");
  EXPECT_FEWSTEP_ERROR(read_prompts({.file = file, .text = "caption"}), ExitCode::kInput,
                       "expected a column \"caption\"");
  EXPECT_FEWSTEP_ERROR(read_prompts({.file = file, .text = "tags"}), ExitCode::kInput,
                       "expected text in column \"tags\"");
  EXPECT_FEWSTEP_ERROR(read_prompts({.file = file, .where = {{.column = "flag", .at_least = 1}}}), ExitCode::kInput,
                       "expected a number in column \"flag\"");
}

TEST(Parquet, WithAWrongPageIsFoundByItsChecksum) {
  const TemporaryFolder folder;
  std::string bytes = read_file(kCaptions / "checksums.parquet");
  const std::size_t at = bytes.find("Cheese");
  ASSERT_NE(at, std::string::npos);
  bytes[at] = 'c';
  EXPECT_FEWSTEP_ERROR(read_prompts({.file = folder.write("wrong.parquet", bytes)}), ExitCode::kInput, "CRC");
}

TEST(Parquet, ThatIsNoParquetIsRefused) {
  const TemporaryFolder folder;
  EXPECT_FEWSTEP_ERROR(read_prompts({.file = folder.write("a.parquet", "caption\nwords\n")}), ExitCode::kInput,
                       "expected a valid parquet file");
  EXPECT_FEWSTEP_ERROR(read_prompts({.file = folder.write("b.parquet", std::string(4096, '\0'))}), ExitCode::kInput,
                       "expected a valid parquet file");
}

}  // namespace
}  // namespace fewstep
