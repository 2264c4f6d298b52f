#include "models/tokenizer/tokenizer_writer.h"

#include "core/error.h"
#include "core/files.h"
#include "golden.h"
#include "models/tokenizer/tokenizer.h"
#include "temporary.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

using testing::ElementsAre;
using testing::SizeIs;
using Ids = std::vector<std::int64_t>;
using Words = std::vector<std::string_view>;

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

// The vocabulary of the built-in scenes.
class WordTokenizer : public testing::Test {
 protected:
  WordTokenizer() {
    for (const auto& [word, ids] : golden_["words"].items()) names_.push_back(word);
    const Words words(names_.begin(), names_.end());
    write_word_tokenizer(folder_.path(), words, 16);
  }

  nlohmann::json golden_ = golden_json("shapes/ids.json");
  std::vector<std::string> names_;
  TemporaryFolder folder_;
};

TEST_F(WordTokenizer, HasTheFilesThatPythonWrites) {
  for (const char* name : {"merges.txt", "tokenizer_config.json", "special_tokens_map.json", "vocab.json"}) {
    EXPECT_EQ(read_file(folder_.path() / name),
              read_file(std::filesystem::path(FEWSTEP_TEST_DATA) / "shapes/tokenizer" / name))
        << name << "; remake with: make golden";
  }
}

TEST_F(WordTokenizer, GivesEachWordOneId) {
  const Tokenizer tokenizer = Tokenizer::open(folder_.path());
  EXPECT_THAT(names_, SizeIs(25));
  for (const auto& [word, ids] : golden_["words"].items()) {
    EXPECT_THAT(tokenizer.tokens(word), SizeIs(1)) << word;
    EXPECT_EQ(tokenizer.tokens(word), ids.get<Ids>()) << word;
  }
  EXPECT_EQ(tokenizer.max_length(), 16);
  EXPECT_EQ(tokenizer.end_id(), tokenizer.start_id() + 1);
  EXPECT_EQ(tokenizer.pad_id(), tokenizer.end_id());
}

TEST_F(WordTokenizer, GivesTheIdsOfTransformersForCaptionsAndAwkwardTexts) {
  const Tokenizer tokenizer = Tokenizer::open(folder_.path());
  for (const auto& text : golden_["texts"]) {
    const std::string bytes = from_hex(text["hex"]);
    Ids whole = tokenizer.tokens(bytes);
    whole.insert(whole.begin(), tokenizer.start_id());
    whole.push_back(tokenizer.end_id());
    EXPECT_EQ(whole, text["ids"].get<Ids>()) << bytes << "; remake with: make golden";
    EXPECT_EQ(tokenizer.encode(bytes), text["padded"].get<Ids>()) << bytes;
  }
  EXPECT_GE(golden_["texts"].size(), 280U);
}

TEST(WordTokenizers, NeedNoOrderOfTheirWords) {
  const Words words{"aaaa", "aa", "a", "aaa", "aab", "baaab", "ab", "abab", "ababab", "b"};
  for (std::size_t turn = 0; turn < words.size(); ++turn) {
    Words turned(words.begin() + static_cast<std::ptrdiff_t>(turn), words.end());
    turned.insert(turned.end(), words.begin(), words.begin() + static_cast<std::ptrdiff_t>(turn));
    const TemporaryFolder folder;
    write_word_tokenizer(folder.path() / "new" / "tokenizer", turned, 77);
    const Tokenizer tokenizer = Tokenizer::open(folder.path() / "new" / "tokenizer");
    for (const std::string_view word : words) EXPECT_THAT(tokenizer.tokens(word), SizeIs(1)) << word;
  }
}

TEST(WordTokenizers, RefuseWhatIsNoWordAndTooFewTokens) {
  const TemporaryFolder folder;
  for (const char* word : {"", "Red", "left of", "é", "r2"})
    EXPECT_FEWSTEP_ERROR(write_word_tokenizer(folder.path(), Words{"a", word}, 16), ExitCode::kUsage,
                         "expected words of lower-case letters, got \"" + std::string(word));
  EXPECT_FEWSTEP_ERROR(write_word_tokenizer(folder.path(), Words{"a"}, 2), ExitCode::kUsage,
                       "at least 3 tokens, got 2");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  const auto file = folder.write("file", "");
  EXPECT_FEWSTEP_ERROR(write_word_tokenizer(file / "x", Words{"a"}, 16), ExitCode::kEnvironment, "cannot be made");
}

}  // namespace
}  // namespace fewstep
