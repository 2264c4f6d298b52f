#include "core/error.h"
#include "core/files.h"
#include "datasets/captions.h"
#include "temporary.h"
#include "warnings.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace fewstep {
namespace {

using testing::ElementsAre;

// The captions of a table as its writer meant them.
std::vector<std::string> read(const std::string& name, std::string_view content, PromptQuery query = {}) {
  const TemporaryFolder folder;
  query.file = folder.write(name, content);
  std::vector<std::string> texts;
  for (const Prompt& prompt : read_prompts(query).prompts) texts.push_back(prompt.text);
  return texts;
}

std::string told(const std::string& name, std::string_view content) {
  const TemporaryFolder folder;
  const PromptSet set = read_prompts({.file = folder.write(name, content)});
  return text_of(set, name);
}

TEST(Dialect, OfATsvHasQuotesAcrossLinesWhereTheFieldsThenAgree) {
  EXPECT_THAT(read("a.tsv", "caption\tid\n\"two\nlines\"\t1\n\"a\ttab\"\t2\nplain\t3\n"),
              ElementsAre("two\nlines", "a\ttab", "plain"));
  EXPECT_THAT(read("a.tsv", "id\tcaption\r\n1\t\"two\r\nlines\"\r\n2\tplain\r\n"),
              ElementsAre("two\r\nlines", "plain"));
}

TEST(Dialect, OfATsvTakesAQuoteThatNothingClosesForText) {
  EXPECT_THAT(read("a.tsv", "caption\n5\" screen\n\"open\nplain\n"), ElementsAre("5\" screen", "\"open", "plain"));
  // Quotes that begin one caption and end another swallow what is between them, where fields agree without that.
  EXPECT_THAT(read("a.tsv", "caption\tid\n\"open\t1\nplain\t2\nclosed\"\t3\n"),
              ElementsAre("\"open", "plain", "closed\""));
}

TEST(Dialect, OfOneColumnHasQuotesAcrossAFewLines) {
  EXPECT_THAT(read("a.tsv", "caption\n\"two\nlines\"\nplain\n"), ElementsAre("two\nlines", "plain"));
  std::string far = "caption\n\"open\n";
  for (int i = 0; i < 30; ++i) far += "plain\n";
  EXPECT_EQ(read("a.tsv", far + "closed\"\n").size(), 32u);
}

TEST(Dialect, IsThatOfSemicolonsCommasAndTabsWhateverTheEnding) {
  EXPECT_THAT(read("a.csv", "caption;id\nein Hund;1\neine Katze, schwarz;2\n"),
              ElementsAre("ein Hund", "eine Katze, schwarz"));
  EXPECT_THAT(read("a.csv", "id;text\n1;\"a; b\"\n2;c\n"), ElementsAre("a; b", "c"));
  EXPECT_THAT(read("a.csv", "caption\turl\na cat, black\tx\na dog\ty\n"), ElementsAre("a cat, black", "a dog"));
  EXPECT_THAT(read("a.tsv", "caption,id\n\"a cat, black\",1\na dog,2\n"), ElementsAre("a cat, black", "a dog"));
  EXPECT_THAT(told("a.csv", "caption;id\nein Hund;1\n"),
              testing::HasSubstr("from column \"caption\" (semicolons), the first: \"ein Hund\""));
}

TEST(Dialect, OfACsvIsNotGivenUpForDelimitersInItsCaptions) {
  EXPECT_THAT(read("a.csv", "caption\na; b\nc; d\n"), ElementsAre("a; b", "c; d"));
  EXPECT_THAT(read("a.csv", "caption,id\n\"a; b\",1\n\"c\td\",2\n"), ElementsAre("a; b", "c\td"));
  EXPECT_FEWSTEP_ERROR(read("a.csv", "text,n\na,1\nb\n"), ExitCode::kInput, "line 3] expected 2 fields, got 1");
}

TEST(Dialect, KnowsExcelsLineThatNamesTheDelimiter) {
  EXPECT_THAT(read("a.csv", "sep=;\r\ncaption;id\r\nein Hund, braun;1\r\n"), ElementsAre("ein Hund, braun"));
  EXPECT_THAT(read("a.csv", "sep=|\ncaption|id\na;b|1\n"), ElementsAre("a;b"));
}

TEST(Dialect, OfAListWithoutNamesHasItsFirstLineForACaption) {
  EXPECT_THAT(read("a.csv", "a photo of a cat\na red boat\na dog\n"),
              ElementsAre("a photo of a cat", "a red boat", "a dog"));
  EXPECT_THAT(read("a.tsv", "a photo of a cat\na red boat\n"), ElementsAre("a photo of a cat", "a red boat"));
  EXPECT_THAT(read("a.csv", "\"a cat, black\"\n\"a dog\"\n"), ElementsAre("a cat, black", "a dog"));
  EXPECT_THAT(read("a.csv", "titles\na red boat\n"), ElementsAre("a red boat"));  // a word is a name
  EXPECT_THAT(told("a.csv", "a photo of a cat\na dog\n"),
              testing::HasSubstr("2 captions (no line of names), the first: \"a photo of a cat\""));
  EXPECT_FEWSTEP_ERROR(read("a.tsv", "a very typical bus station\thttp://e.org/1.jpg\na boat\thttp://e.org/2.jpg\n"),
                       ExitCode::kInput, "a very typical bus station");
}

TEST(Dialect, PassesOverTheIndexThatPandasWrites) {
  EXPECT_THAT(read("a.csv", ",title\n0,a cat\n1,a dog\n"), ElementsAre("a cat", "a dog"));
}

TEST(Dialect, HasCarriageReturnsForLinesWhereThereAreNoOthers) {
  EXPECT_THAT(read("a.csv", "caption,id\ra cat,1\ra dog,2\r"), ElementsAre("a cat", "a dog"));
  EXPECT_THAT(read("a.txt", "a cat\ra dog\r"), ElementsAre("a cat", "a dog"));
}

// The same captions, with commas, quotes, line breaks and tabs, as pandas, csv, Excel, LibreOffice, img2dataset and the
// library datasets write them.
TEST(Tables, OfPeoplesProgramsHoldTheCaptionsThatTheirWritersMeant) {
  const std::filesystem::path folder = std::filesystem::path(FEWSTEP_TEST_DATA) / "datasets/tables";
  const auto meant = nlohmann::json::parse(read_file(folder / "meant.json")).get<std::vector<std::string>>();
  int tables = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") continue;
    SCOPED_TRACE(entry.path().filename());
    const PromptSet set = read_prompts({.file = entry.path(), .files = FileNames::kWhereThere});
    std::vector<std::string> texts;
    for (const Prompt& prompt : set.prompts) texts.push_back(prompt.text);
    EXPECT_EQ(texts, meant);
    const bool names = entry.path().stem().string().find("one_column") == std::string::npos &&
                       entry.path().stem() != "pandas_no_header" && entry.path().stem() != "img2dataset";
    EXPECT_EQ(set.names_files, names);
    ++tables;
  }
  EXPECT_EQ(tables, 20) << "remake with: make golden";
}

TEST(Jsonl, ReadsNanForNothing) {
  const TemporaryFolder folder;
  const PromptSet set = read_prompts({.file = folder.write("a.jsonl",
                                                           "{\"text\": \"a\", \"n\": 1}\n{\"text\": NaN, \"n\": NaN}\n"
                                                           "{\"text\": \"NaN and Infinity\", \"n\": -Infinity}\n")});
  ASSERT_EQ(set.prompts.size(), 2u);
  EXPECT_EQ(set.prompts[1].text, "NaN and Infinity");
  EXPECT_EQ(set.rows_empty, 1);
}

TEST(LeftOutRows, AreFewOrAnError) {
  std::string lines;
  for (int i = 0; i < 300; ++i) lines += i % 100 == 50 ? "caf\xe9\n" : "a caption\n";
  const Warnings warnings;
  EXPECT_EQ(read("a.txt", lines).size(), 297u);
  EXPECT_THAT(warnings.text(), testing::HasSubstr("a.txt] 3 of 300 rows left out:\n"));
  EXPECT_THAT(warnings.text(), testing::HasSubstr("line 51] expected a caption in UTF-8"));
  EXPECT_FEWSTEP_ERROR(
      read("a.txt", lines + "caf\xe9\n"), ExitCode::kInput,
      "of which at most 3 cannot be used, got 4 of 301 rows that cannot; replace them, or raise max_left_out");
  EXPECT_EQ(read("a.txt", lines + "caf\xe9\n", {.max_left_out = 0.05}).size(), 297u);
}

}  // namespace
}  // namespace fewstep
