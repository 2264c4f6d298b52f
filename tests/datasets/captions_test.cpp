#include "datasets/captions.h"
#include "core/error.h"
#include "core/files.h"
#include "datasets/caption_formats.h"
#include "tests/temporary.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

const std::filesystem::path kCaptions = std::filesystem::path(FEWSTEP_TEST_DATA) / "datasets/captions";

std::vector<std::string> texts(const PromptSet& set) {
  std::vector<std::string> out;
  for (const Prompt& prompt : set.prompts) out.push_back(prompt.text);
  return out;
}

std::vector<std::int64_t> rows(const PromptSet& set) {
  std::vector<std::int64_t> out;
  for (const Prompt& prompt : set.prompts) out.push_back(prompt.row);
  return out;
}

PromptSet read(const TemporaryFolder& folder, const std::string& name, std::string_view content,
               PromptQuery query = {}) {
  query.file = folder.write(name, content);
  return read_prompts(query);
}

class EveryFormat : public testing::TestWithParam<std::string> {};

TEST_P(EveryFormat, GivesTheSameCaptionsAndRows) {
  const PromptSet set = read_prompts({.file = kCaptions / ("same." + GetParam())});
  EXPECT_THAT(rows(set), testing::ElementsAre(0, 1, 2, 4, 5, 6, 7, 8, 9)) << "remake with: make golden";
  EXPECT_THAT(texts(set),
              testing::ElementsAre("A city at night with people walking around.",
                                   "A sign that says \"Cheese Shop\", in red", "naïve café, Zürich — 東京 🗼",
                                   "semicolons; commas, and 'quotes'", "\"quoted from end to end\"",
                                   "  spaces around  ", "a < b && c > d &amp; e", "5\" pipe and 3' board", "last one"));
  EXPECT_EQ(set.rows_read, 10);
  EXPECT_EQ(set.rows_empty, 1);
  EXPECT_EQ(set.rows_filtered, 0);
  EXPECT_EQ(set.text_column, GetParam() == "txt" ? "" : "caption");
  EXPECT_EQ(set.source, sha256_file(kCaptions / ("same." + GetParam())));
}

TEST_P(EveryFormat, StopsAtTheCount) {
  const PromptSet set = read_prompts({.file = kCaptions / ("same." + GetParam()), .count = 4});
  EXPECT_THAT(rows(set), testing::ElementsAre(0, 1, 2, 4));
  EXPECT_EQ(set.rows_read, 5);
}

TEST_P(EveryFormat, SaysHowManyThereAreWhenTheCountIsLarger) {
  EXPECT_FEWSTEP_ERROR(read_prompts({.file = kCaptions / ("same." + GetParam()), .count = 10}), ExitCode::kInput,
                       "expected 10 captions, got 9: of 10 rows 0 do not pass the filter and 1 are empty");
}

TEST_P(EveryFormat, NamesAMissingFile) {
  EXPECT_FEWSTEP_ERROR(read_prompts({.file = "no-such-file." + GetParam()}), ExitCode::kInput,
                       "no-such-file." + GetParam());
}

TEST_P(EveryFormat, RefusesAFolder) {
  const TemporaryFolder folder;
  const auto path = folder.path() / ("folder." + GetParam());
  std::filesystem::create_directory(path);
  EXPECT_FEWSTEP_ERROR(read_prompts({.file = path}), ExitCode::kInput, path.string());
}

TEST_P(EveryFormat, RefusesAnEmptyFile) {
  const TemporaryFolder folder;
  EXPECT_FEWSTEP_ERROR(read(folder, "empty." + GetParam(), ""), ExitCode::kInput, "empty." + GetParam() + "] ");
}

INSTANTIATE_TEST_SUITE_P(Captions, EveryFormat, testing::Values("parquet", "csv", "tsv", "jsonl", "txt"),
                         [](const auto& test) { return test.param; });

class EveryTable : public testing::TestWithParam<std::string> {};  // formats with columns

TEST_P(EveryTable, NamesTheColumnsWhenOneIsMissingTheNearestFirst) {
  const auto file = kCaptions / ("same." + GetParam());
  EXPECT_FEWSTEP_ERROR(read_prompts({.file = file, .text = "captoin"}), ExitCode::kInput,
                       "expected a column \"captoin\", got \"caption\", \"id\"");
  EXPECT_FEWSTEP_ERROR(read_prompts({.file = file, .text = "CAPTION"}), ExitCode::kInput,
                       "expected a column \"CAPTION\", got \"caption\", \"id\"");
  EXPECT_FEWSTEP_ERROR(read_prompts({.file = file, .where = {{.column = "idd", .at_least = 1}}}), ExitCode::kInput,
                       "expected a column \"idd\", got \"id\", \"caption\"");
}

TEST_P(EveryTable, FiltersByANumberAndKeepsTheRow) {
  const PromptSet set = read_prompts(
      {.file = kCaptions / ("same." + GetParam()), .where = {{.column = "id", .at_least = 101.5, .at_most = 105}}});
  EXPECT_THAT(rows(set), testing::ElementsAre(2, 4, 5));
  EXPECT_EQ(set.rows_read, 10);
  EXPECT_EQ(set.rows_filtered, 6);
  EXPECT_EQ(set.rows_empty, 1);
}

TEST_P(EveryTable, RefusesToFilterByText) {
  EXPECT_FEWSTEP_ERROR(
      read_prompts({.file = kCaptions / ("same." + GetParam()), .where = {{.column = "caption", .at_least = 1}}}),
      ExitCode::kInput, "expected a number");
}

INSTANTIATE_TEST_SUITE_P(Captions, EveryTable, testing::Values("parquet", "csv", "tsv", "jsonl"),
                         [](const auto& test) { return test.param; });

TEST(Captions, OfCocoAreTheFiveThousandOfMlperf) {
  const PromptSet set = read_prompts(
      {.file = std::filesystem::path(FEWSTEP_TEST_DATA) / "prompts/coco2014_captions.tsv", .text = "caption"});
  ASSERT_EQ(set.prompts.size(), 5000U);
  EXPECT_EQ(set.rows_read, 5000);
  EXPECT_EQ(set.prompts[0].text, "A city at night with people walking around.");
  // Quoted in the file, because pandas wrote it.
  EXPECT_EQ(set.prompts[1108].text,
            "A man in glasses sitting next to a woman and holding up a red frisbee that says \"Cheese Shop\" on it.");
  EXPECT_EQ(set.prompts[4999].row, 4999);
  EXPECT_EQ(
      text_of(set, "coco.tsv"),
      "coco.tsv: 5,000 captions from column \"caption\", the first: \"A city at night with people walking around.\"");
}

TEST(Captions, RefuseAnUnknownExtension) {
  EXPECT_FEWSTEP_ERROR(read_prompts({.file = "captions.xlsx"}), ExitCode::kUsage, unknown_caption_format(".xlsx"));
}

TEST(Captions, RefuseACountOfZero) {
  EXPECT_FEWSTEP_ERROR(read_prompts({.file = kCaptions / "same.txt", .count = 0}), ExitCode::kUsage, "at least 1");
}

TEST(Captions, OfBuiltinScenesAreTheirsByIndex) {
  const ShapesQuery outlined{ShapeSplit::kValidation, ShapeStyle::kOutline};
  const PromptSet set = read_prompts({.count = 300, .shapes = outlined});
  ASSERT_EQ(set.prompts.size(), 300U);
  EXPECT_EQ(set.rows_read, 300);
  for (std::size_t i = 0; i < set.prompts.size(); ++i) {
    EXPECT_EQ(set.prompts[i].row, static_cast<std::int64_t>(i));
    EXPECT_EQ(set.prompts[i].text, make_shape_scene(2, i, ShapeStyle::kOutline).caption);
  }
  EXPECT_EQ(set.source, shapes_hash(ShapeSplit::kValidation, ShapeStyle::kOutline));
  EXPECT_FEWSTEP_ERROR(read_prompts({.shapes = outlined}), ExitCode::kUsage, "[shapes] expected a count");
  EXPECT_FEWSTEP_ERROR(read_prompts({.count = 0, .shapes = outlined}), ExitCode::kUsage, "[shapes] expected a count");
  EXPECT_FEWSTEP_ERROR(read_prompts({.text = "caption", .count = 3, .shapes = outlined}), ExitCode::kUsage,
                       "no columns");
}

TEST(Captions, RefuseAFileWithEmptyLinesAlone) {
  const TemporaryFolder folder;
  EXPECT_FEWSTEP_ERROR(read(folder, "a.txt", "\n \n\t\n"), ExitCode::kInput,
                       "expected at least 1 captions, got 0: of 3 rows 0 do not pass the filter and 3 are empty");
}

TEST(Captions, AreFoundByAUsualNameInAnyCase) {
  const TemporaryFolder folder;
  EXPECT_EQ(read(folder, "a.csv", "URL,TEXT,n\nu,words,1\n").text_column, "TEXT");
  EXPECT_EQ(read(folder, "b.csv", "n,Prompt\n1,words\n").text_column, "Prompt");
  EXPECT_EQ(read(folder, "c.csv", "anything\nwords\n").text_column, "anything");
  EXPECT_EQ(read(folder, "d.jsonl", R"({"n": 1, "sentence": "words"})").text_column, "sentence");
}

TEST(Captions, AreNotGuessedWhereSeveralColumnsFit) {
  const TemporaryFolder folder;
  EXPECT_FEWSTEP_ERROR(read(folder, "a.csv", "caption,text\na,b\n"), ExitCode::kInput,
                       "expected one column of captions, got \"caption\", \"text\"; name it (text = …)");
  EXPECT_FEWSTEP_ERROR(read(folder, "b.csv", "left,right\na,b\n"), ExitCode::kInput, "got \"left\", \"right\"");
  EXPECT_FEWSTEP_ERROR(read(folder, "c.jsonl", R"({"a": "x", "b": "y"})"), ExitCode::kInput, "got \"a\", \"b\"");
  EXPECT_FEWSTEP_ERROR(read(folder, "d.jsonl", R"({"a": 1})"), ExitCode::kInput, "got none with text");
}

TEST(Captions, RefuseAColumnThatIsThereTwice) {
  const TemporaryFolder folder;
  EXPECT_FEWSTEP_ERROR(read(folder, "a.csv", "text,text\na,b\n", {.text = "text"}), ExitCode::kInput, "got several");
}

TEST(Captions, RefuseColumnsForATextFile) {
  const TemporaryFolder folder;
  EXPECT_FEWSTEP_ERROR(read(folder, "a.txt", "words\n", {.text = "caption"}), ExitCode::kUsage, "text = caption");
  EXPECT_FEWSTEP_ERROR(read(folder, "a.txt", "words\n", {.where = {{.column = "x", .at_least = 1}}}), ExitCode::kUsage,
                       "a filter");
}

TEST(Captions, InUtf16OrWithANulByteAreRefused) {
  const TemporaryFolder folder;
  using namespace std::string_literals;
  EXPECT_FEWSTEP_ERROR(read(folder, "a.txt", "\xff\xfe" + "a\0b\0"s), ExitCode::kInput, "got UTF-16");
  EXPECT_FEWSTEP_ERROR(read(folder, "b.txt", "fine\nnot\0fine\n"s), ExitCode::kInput,
                       "b.txt:2] expected text, got a NUL");
  EXPECT_FEWSTEP_ERROR(read(folder, "c.tsv", "text\tn\na\0b\t1\n"s), ExitCode::kInput, "c.tsv:2] expected text");
  EXPECT_FEWSTEP_ERROR(read(folder, "d.csv", "text,n\na\0b,1\n"s), ExitCode::kInput, "d.csv:2] expected text");
  EXPECT_FEWSTEP_ERROR(read(folder, "e.jsonl", "{\"text\": \"a\\u0000b\"}\n"), ExitCode::kInput,
                       "line 1] expected a caption of text, got a NUL byte");
}

TEST(Captions, ThatAreNotUtf8AreRefusedWithTheirLine) {
  const TemporaryFolder folder;
  EXPECT_FEWSTEP_ERROR(read(folder, "a.txt", "fine\ncaf\xe9\n"), ExitCode::kInput,
                       "line 2] expected a caption in UTF-8");
  EXPECT_FEWSTEP_ERROR(read(folder, "b.csv", "text,n\nfine,1\ncaf\xe9,2\n"), ExitCode::kInput, "line 3] expected a");
  EXPECT_FEWSTEP_ERROR(read(folder, "c.tsv", "text\tn\n\xc0\xaf\t1\n"), ExitCode::kInput, "line 2] expected a caption");
  EXPECT_FEWSTEP_ERROR(read(folder, "d.jsonl", "{\"text\": \"a\"}\n{\"text\": \"caf\xe9\"}"), ExitCode::kInput,
                       "jsonl:2]");
}

TEST(Captions, BeginAfterAByteOrderMark) {
  const TemporaryFolder folder;
  EXPECT_THAT(texts(read(folder, "a.txt", "\xef\xbb\xbfone\ntwo")), testing::ElementsAre("one", "two"));
  EXPECT_EQ(read(folder, "b.csv", "\xef\xbb\xbftext,n\none,1\n").text_column, "text");
  EXPECT_THAT(texts(read(folder, "c.jsonl", "\xef\xbb\xbf{\"text\": \"one\"}")), testing::ElementsAre("one"));
}

TEST(Captions, EndLinesInEitherWay) {
  const TemporaryFolder folder;
  for (const std::string end : {"\n", "\r\n"}) {
    EXPECT_THAT(texts(read(folder, "a.txt", "one" + end + "two" + end)), testing::ElementsAre("one", "two"));
    EXPECT_THAT(texts(read(folder, "a.csv", "n,text" + end + "1,one" + end + "2,two" + end)),
                testing::ElementsAre("one", "two"));
    EXPECT_THAT(texts(read(folder, "a.tsv", "n\ttext" + end + "1\tone" + end + "2\ttwo")),
                testing::ElementsAre("one", "two"));
    EXPECT_THAT(texts(read(folder, "a.jsonl", "{\"text\": \"one\"}" + end + end + "{\"text\": \"two\"}")),
                testing::ElementsAre("one", "two"));
  }
}

TEST(Captions, InALineLongerThan16MibAreRefused) {
  const TemporaryFolder folder;
  const std::string longest(std::size_t{16} << 20, 'a');
  EXPECT_EQ(read(folder, "a.txt", longest).prompts[0].text.size(), longest.size());
  EXPECT_FEWSTEP_ERROR(read(folder, "a.txt", "one\n" + longest + "a"), ExitCode::kInput,
                       "a.txt:2] expected a line of at");
}

TEST(Csv, FollowsRfc4180) {
  const TemporaryFolder folder;
  const PromptSet set = read(folder, "a.csv",
                             "text,n\r\n\"two\r\nlines, one \"\"caption\"\"\",1\r\n\"\",2\r\nplain 5\" pipe,3\r\n"
                             "\"a\nb\n\nc\",4");
  EXPECT_THAT(texts(set), testing::ElementsAre("two\r\nlines, one \"caption\"", "plain 5\" pipe", "a\nb\n\nc"));
  EXPECT_THAT(rows(set), testing::ElementsAre(0, 2, 3));
}

TEST(Csv, NamesTheLineOfARecordThatDoesNotFit) {
  const TemporaryFolder folder;
  EXPECT_FEWSTEP_ERROR(read(folder, "a.csv", "text,n\n\"x\ny\",1\nz\n"), ExitCode::kInput,
                       "line 4] expected 2 fields, got 1");
  EXPECT_FEWSTEP_ERROR(read(folder, "b.csv", "text,n\nx,1,\n"), ExitCode::kInput, "line 2] expected 2 fields, got 3");
  EXPECT_FEWSTEP_ERROR(read(folder, "c.csv", "text,n\n\"x\"y,1\n"), ExitCode::kInput, "line 2] expected a comma");
  EXPECT_FEWSTEP_ERROR(read(folder, "d.csv", "text,n\na,1\n\"never closed,1\nb,2\n"), ExitCode::kInput,
                       "line 3] expected a closing quote, got none in the file");
  EXPECT_FEWSTEP_ERROR(read(folder, "e.csv", "text,n\na,1\nb,many\n", {.where = {{.column = "n", .at_least = 0}}}),
                       ExitCode::kInput, "line 3] expected a number in column \"n\", got \"many\"");
}

TEST(Csv, TakesAnEmptyNumberForNullAndSkipsBlankLines) {
  const TemporaryFolder folder;
  const PromptSet set = read(folder, "a.csv", "text,n\na,\n\nb, +2.5e0 \nc,nan\nd,1e999\n\n",
                             {.where = {{.column = "n", .at_least = 2.5, .at_most = 2.5}}, .count = 1});
  EXPECT_THAT(texts(set), testing::ElementsAre("b"));
  EXPECT_THAT(rows(set), testing::ElementsAre(1));
}

TEST(Csv, CountsABlankLineOfASingleColumnAsAnEmptyCaption) {
  const TemporaryFolder folder;
  for (const std::string name : {"a.csv", "a.tsv"}) {
    const PromptSet set = read(folder, name, "\ntext\none\n\nthree\n");
    EXPECT_THAT(rows(set), testing::ElementsAre(0, 2)) << name;
    EXPECT_EQ(set.rows_empty, 1) << name;
  }
}

TEST(Csv, RefusesTooManyColumns) {
  const TemporaryFolder folder;
  EXPECT_FEWSTEP_ERROR(read(folder, "a.csv", std::string(10'000, ',') + "\n"), ExitCode::kInput,
                       "expected at most 10000 columns, got 10001");
}

TEST(Tsv, KeepsQuotesThatAreNotQuoting) {
  const TemporaryFolder folder;
  const PromptSet set =
      read(folder, "a.tsv", "text\tn\n\"open\t1\nclosed\"\t2\n\"a\" and \"b\"\t3\n\"\t4\n\"quoted \"\"x\"\"\"\t5\n");
  EXPECT_THAT(texts(set), testing::ElementsAre("\"open", "closed\"", "\"a\" and \"b\"", "\"", "quoted \"x\""));
}

TEST(Tsv, NamesTheLineOfARaggedRow) {
  const TemporaryFolder folder;
  EXPECT_FEWSTEP_ERROR(read(folder, "a.tsv", "text\tn\na\t1\nb\n"), ExitCode::kInput,
                       "line 3] expected 2 fields, got 1");
}

TEST(Jsonl, NamesTheLineOfABrokenRecord) {
  const TemporaryFolder folder;
  const std::string good = "{\"text\": \"a\"}\n";
  EXPECT_FEWSTEP_ERROR(read(folder, "a.jsonl", good + "{\"text\": "), ExitCode::kInput,
                       "a.jsonl:2] expected valid JSON");
  EXPECT_FEWSTEP_ERROR(read(folder, "b.jsonl", good + "[1]"), ExitCode::kInput, "b.jsonl:2] expected a JSON object");
  EXPECT_FEWSTEP_ERROR(read(folder, "c.jsonl", good + "\n{\"text\": 5}"), ExitCode::kInput,
                       "line 3] expected a string for key \"text\", got a number");
  EXPECT_FEWSTEP_ERROR(read(folder, "d.jsonl", good + "{\"text\": \"b\", \"x\": " + std::string(100'000, '[')),
                       ExitCode::kInput, "64 levels");
  EXPECT_FEWSTEP_ERROR(read(folder, "e.jsonl", "{\"text\": \"a\", \"n\": \"1\"}", {.where = {{.column = "n"}}}),
                       ExitCode::kInput, "line 1] expected a number for key \"n\", got a string");
}

TEST(Jsonl, CountsAMissingKeyAsNull) {
  const TemporaryFolder folder;
  const PromptSet set = read(folder, "a.jsonl",
                             "{\"text\": \"a\", \"n\": 1}\n{\"n\": 1}\n{\"text\": null, \"n\": 1}\n{\"text\": \"d\"}\n",
                             {.where = {{.column = "n", .at_least = 1}}});
  EXPECT_THAT(rows(set), testing::ElementsAre(0));
  EXPECT_EQ(set.rows_empty, 2);
  EXPECT_EQ(set.rows_filtered, 1);
}

}  // namespace
}  // namespace fewstep
