#include "datasets/pairing.h"
#include "core/error.h"
#include "core/files.h"
#include "temporary.h"
#include "warnings.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

const fs::path kFolder = "/images";

std::vector<fs::path> files(const std::vector<std::string>& names) {
  std::vector<fs::path> paths;
  for (const std::string& name : names) paths.push_back(kFolder / name);
  std::sort(paths.begin(), paths.end());
  return paths;
}

PromptSet captions(const std::vector<std::string>& texts, const std::vector<std::string>& names = {}) {
  PromptSet set;
  for (std::size_t i = 0; i < texts.size(); ++i)
    set.prompts.push_back({static_cast<std::int64_t>(i), texts[i], names.empty() ? "" : names[i]});
  set.names_files = !names.empty();
  return set;
}

std::vector<std::size_t> paired(const std::vector<fs::path>& of, const PromptSet& set) {
  return pair_with_captions(kFolder, of, set, "captions.csv").prompt;
}

TEST(NaturalOrder, ComparesRunsOfDigitsByTheirNumber) {
  EXPECT_TRUE(natural_less("2.png", "10.png"));
  EXPECT_TRUE(natural_less("a2b10", "a02b11"));
  EXPECT_TRUE(natural_less("img_9_2", "img_10_1"));
  EXPECT_TRUE(natural_less("99999999999999999999998", "99999999999999999999999"));
  EXPECT_FALSE(natural_less("10.png", "2.png"));
  EXPECT_FALSE(natural_less("7.png", "7.png"));
  EXPECT_TRUE(natural_less("007.png", "7.png"));  // one number: by bytes
  EXPECT_TRUE(natural_less("a", "b") && natural_less("a", "a1") && natural_less("B", "a"));
}

TEST(Pairing, FollowsTheNumbersOfTheNamesAndSaysWhereTheirBytesDoNot) {
  const Warnings warnings;
  EXPECT_THAT(paired(files({"0.png", "1.png", "2.png", "10.png"}), captions({"a", "b", "c", "d"})),
              ElementsAre(0, 1, 3, 2));  // of 0, 1, 10, 2
  EXPECT_THAT(warnings.text(),
              HasSubstr("paired in the order of the numbers in the names (0.png, 1.png, 2.png, 10.png, …), which is "
                        "not the order of their letters (0.png, 1.png, 10.png, 2.png, …)"));
}

TEST(Pairing, IsSilentWhereBothOrdersAgree) {
  const Warnings warnings;
  EXPECT_THAT(paired(files({"00.png", "01.png", "10.png"}), captions({"a", "b", "c"})), ElementsAre(0, 1, 2));
  EXPECT_EQ(warnings.text(), "");
}

TEST(Pairing, IsSilentWhereNamesDifferInTheirEndings) {
  const Warnings warnings;
  EXPECT_THAT(paired(files({"0.png", "1.jpg", "2.PNG"}), captions({"a", "b", "c"})), ElementsAre(0, 1, 2));
  EXPECT_EQ(warnings.text(), "");
}

TEST(Pairing, SaysThatNamesOfSeveralKindsHaveTheOrderOfTheAlphabet) {
  const Warnings warnings;
  EXPECT_THAT(paired(files({"cat.png", "boat.png"}), captions({"a boat", "a cat"})), ElementsAre(0, 1));
  EXPECT_THAT(warnings.text(), HasSubstr("differ in more than a number; a table with columns file and text"));
}

TEST(Pairing, RefusesHashesForTheyAreInNoOrder) {
  const std::string a(64, 'a'), b(64, 'b');
  EXPECT_FEWSTEP_ERROR(paired(files({a + ".png", b + ".png"}), captions({"x", "y"})), ExitCode::kInput,
                       "are in no order; give a .csv with columns file and text");
  EXPECT_FEWSTEP_ERROR(
      paired(files({"6ba7b810-9dad-11d1-80b4-00c04fd430c8.png", "7ba7b810-9dad-11d1-80b4-00c04fd430c8.png"}),
             captions({"x", "y"})),
      ExitCode::kInput, "are in no order");
  EXPECT_THAT(paired(files({"20240101000000000.png", "20240101000000001.png"}), captions({"x", "y"})),
              ElementsAre(0, 1));
}

TEST(Pairing, GoesByTheNamesOfATable) {
  EXPECT_THAT(
      paired(files({"b.png", "a.png", "below/c.png"}), captions({"c", "b", "a"}, {"./below/c.png", "b.png", "a.png"})),
      ElementsAre(2, 1, 0));
  EXPECT_THAT(paired(files({"a.png"}), captions({"a", "a"}, {"a.png", "a.png"})), ElementsAre(0));
}

TEST(Pairing, TakesFullPathsAndKeysForNames) {
  EXPECT_THAT(paired(files({"b.png", "a.png"}), captions({"b", "a"}, {"/data/out/b.png", "/data/out/a.png"})),
              ElementsAre(1, 0));
  EXPECT_THAT(paired(files({"000000001.jpg", "000000002.jpg"}), captions({"2", "1"}, {"000000002", "000000001"})),
              ElementsAre(1, 0));
  // Two folders with files of one name are told apart by their folders alone.
  EXPECT_FEWSTEP_ERROR(paired(files({"x/a.png", "y/a.png"}), captions({"1", "2"}, {"/d/x/a.png", "/d/y/a.png"})),
                       ExitCode::kInput, "expected ");
}

TEST(Pairing, ByNameRefusesMissingUnknownAndAmbiguousNames) {
  const auto refused = [](const std::vector<std::string>& images, const std::vector<std::string>& names,
                          const std::string& text) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < names.size(); ++i) texts.push_back("caption " + std::to_string(i));
    EXPECT_FEWSTEP_ERROR(paired(files(images), captions(texts, names)), ExitCode::kInput, text);
  };
  refused({"a.png", "b.png"}, {"a.png"},
          "captions.csv] expected a caption for each of 2 images in /images, got none for \"b.png\"");
  refused({"a.png"}, {"a.png", "b.png"}, "expected the names of images in /images, got \"b.png\", which are not there");
  refused({"a.png"}, {"a.png", "a.png"}, "expected one caption for \"a.png\", got two");
}

const std::string kOneE = "caf\u00e9.png", kTwoE = "cafe\u0301.png";  // é as one character and as two

TEST(Pairing, FindsANameInAnotherUnicodeForm) {
  EXPECT_THAT(paired(files({kOneE, "b.png"}), captions({"b", "c"}, {"b.png", kTwoE})), ElementsAre(0, 1));
  EXPECT_THAT(paired(files({kTwoE, "b.png"}), captions({"b", "c"}, {"b.png", kOneE})), ElementsAre(0, 1));
  EXPECT_THAT(paired(files({kTwoE}), captions({"c"}, {"/data/" + kOneE})), ElementsAre(0));
  EXPECT_THAT(paired(files({kTwoE}), captions({"c"}, {"caf\u00e9"})), ElementsAre(0));
  // Two files whose names look alike are two images.
  EXPECT_THAT(paired(files({kTwoE, kOneE}), captions({"one", "two"}, {kOneE, kTwoE})), ElementsAre(1, 0));
}

TEST(Pairing, SaysWhereAnotherUnicodeFormIsAmbiguous) {
  EXPECT_FEWSTEP_ERROR(paired(files({"x.png", kTwoE}), captions({"a", "b", "c"}, {"x.png", kOneE, "z.png"})),
                       ExitCode::kInput, "in another Unicode normal form");
  EXPECT_FEWSTEP_ERROR(paired(files({kOneE, kTwoE}), captions({"a", "b"}, {kOneE, "z.png"})), ExitCode::kInput,
                       "of the names in the table these are not there: \"z.png\"");
}

TEST(Pairing, NamesTheChoicesWhereAnImageHasSeveralCaptions) {
  EXPECT_FEWSTEP_ERROR(paired(files({"a.png"}), captions({"a dog", "a brown dog"}, {"a.png", "a.png"})),
                       ExitCode::kInput, "got two (\"a dog\", \"a brown dog\"); keep one caption for each image");
}

TEST(Pairing, ByOrderNeedsACaptionForEachImage) {
  EXPECT_FEWSTEP_ERROR(paired(files({"0.png", "1.png"}), captions({"a"})), ExitCode::kInput,
                       "expected 2 captions, one for each image of /images in the order of their names, got 1");
}

TEST(CaptionsFile, IsReadAsItWasWritten) {
  const TemporaryFolder folder;
  const std::vector<CaptionRow> rows{{"a.png", "he said \"no\", twice\nand left", 7, "steps=4"},
                                     {"b.png", "plain", 8, "x"}};
  write_captions(folder.path(), rows);
  const PromptSet set = read_prompts({.file = folder.path() / kCaptionsFile, .files = FileNames::kWhereThere});
  ASSERT_TRUE(set.names_files);
  ASSERT_EQ(set.prompts.size(), 2u);
  EXPECT_EQ(set.prompts[0].file, "a.png");
  EXPECT_EQ(set.prompts[0].text, rows[0].text);
  EXPECT_EQ(set.prompts[1].text, "plain");
}

}  // namespace
}  // namespace fewstep
