#include "experiment_files.h"

#include <gmock/gmock.h>

#include <random>

namespace fewstep {
namespace {

class AHostileFile : public ExperimentFolder {
 protected:
  // Reads it; whatever it holds, there is an experiment or one short message. True: it was read.
  bool survives(const std::string& text, const std::vector<std::string>& set = {}) const {
    try {
      expand(read(text, set));
      return true;
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == ExitCode::kUsage || error.code() == ExitCode::kInput) << error.what();
      EXPECT_LT(std::string_view(error.what()).size(), 2000U);
      return false;
    }
  }
};

std::string repeated(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

// Each overflowed the stack: the parser bounds the nesting of values alone.
TEST_F(AHostileFile, MayHaveDeepKeys) {
  const std::string deep = repeated("a.", 100'000) + "a", at_most = ":1] expected keys of at most 32 parts, got more";
  EXPECT_FEWSTEP_ERROR(read(deep + "=1"), ExitCode::kUsage, at_most);
  EXPECT_FEWSTEP_ERROR(read("[" + deep + "]"), ExitCode::kUsage, at_most);
  EXPECT_FEWSTEP_ERROR(read("[[" + deep + "]]"), ExitCode::kUsage, at_most);
  EXPECT_FEWSTEP_ERROR(read("x={" + deep + "=1}"), ExitCode::kUsage, at_most);
  EXPECT_FEWSTEP_ERROR(read(repeated("\"a\" . 'b' . ", 50'000) + "a=1"), ExitCode::kUsage, at_most);
  EXPECT_FEWSTEP_ERROR(read("'''\n'''=1\n# \"\n" + deep + "=1"), ExitCode::kUsage, "expected keys of at most 32 parts");
  EXPECT_FEWSTEP_ERROR(read("a=\"\\\\\"\n" + deep + "=1"), ExitCode::kUsage, ":2] expected keys of at most 32 parts");
}

TEST_F(AHostileFile, MayHaveManyDotsInItsTexts) {
  const std::string dots = repeated("a.b.", 100);
  const std::string text =
      "# " + dots + "\n" + edited(kWhole, "\"blurry\"", "\"\"\"" + dots + "\n\\\"" + dots + "\"\"\"");
  EXPECT_EQ(read(text).cell.negative_prompt, dots + "\n\"" + dots);
  EXPECT_EQ(read(edited(kWhole, "\"blurry\"", "'" + dots + "'")).cell.negative_prompt, dots);
}

TEST_F(AHostileFile, MayHaveDeepValues) {
  EXPECT_FEWSTEP_ERROR(read("a=" + repeated("[", 100'000)), ExitCode::kUsage, "expected TOML: ");
  EXPECT_FEWSTEP_ERROR(read("a=" + repeated("{a=", 100'000)), ExitCode::kUsage, "expected TOML: ");
  EXPECT_FEWSTEP_ERROR(read(repeated("[", 100'000)), ExitCode::kUsage, "expected TOML: ");
  EXPECT_FEWSTEP_ERROR(read("a=" + repeated("{a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=", 255)), ExitCode::kUsage,
                       "expected TOML: ");
  std::string tables, header;
  for (int i = 0; i < 30; ++i) tables += "[[" + (header += i ? ".a" : "a") + "]]\n";
  EXPECT_FEWSTEP_ERROR(read(tables), ExitCode::kUsage, "unknown name \"a\"");
}

TEST_F(AHostileFile, MayBeHuge) {
  EXPECT_FEWSTEP_ERROR(read(std::string(5 << 20, '#')), ExitCode::kInput,
                       "expected at most 1048576 bytes, got 5242880");
  EXPECT_FALSE(survives(repeated("[[checkpoint]]\n", 60'000)));
  EXPECT_FALSE(survives("name = \"" + std::string(1'000'000, 'x') + "\"\n"));
  EXPECT_FALSE(survives(std::string(1'000'000, 'x') + " = 1\n"));
  EXPECT_FALSE(survives("seed = " + std::string(1'000'000, '9')));
  EXPECT_FALSE(survives(edited(kLeast, "[4]", "[" + repeated("4,", 500'000) + "]")));
  EXPECT_FALSE(survives(edited(kLeast, "\"sd15\"", "{" + repeated("1=\"a\",", 100'000) + "2=\"a\"}")));
  EXPECT_TRUE(survives(kLeast + "#" + std::string(1'000'000, '#')));
}

TEST_F(AHostileFile, MayBeNoText) {
  EXPECT_FEWSTEP_ERROR(read("name = \"\xff\xfe\"\n"), ExitCode::kUsage, ":1:8] expected TOML: ");
  EXPECT_FEWSTEP_ERROR(read("name = \"\xc3\""), ExitCode::kUsage, "expected TOML: ");
  EXPECT_FEWSTEP_ERROR(read("name = \"\xed\xa0\x80\""), ExitCode::kUsage, "expected TOML: ");  // a surrogate
  EXPECT_FEWSTEP_ERROR(read(std::string("\xff\xfen\0a\0", 6)), ExitCode::kUsage, "expected TOML: ");
  EXPECT_FEWSTEP_ERROR(read(std::string(64, '\0')), ExitCode::kUsage, "expected TOML: ");
  EXPECT_FEWSTEP_ERROR(read("\x7f"
                            "ELF"),
                       ExitCode::kUsage, "expected TOML: ");
  EXPECT_FEWSTEP_ERROR(read(""), ExitCode::kUsage, "expected name");
  EXPECT_TRUE(survives("\xef\xbb\xbf" + kLeast));  // a byte order mark is none of the text
  std::string windows;
  for (const char c : kLeast) windows += c == '\n' ? "\r\n" : std::string(1, c);
  EXPECT_TRUE(survives(windows));
}

TEST_F(AHostileFile, MayBeCutAnywhere) {
  const std::string needed = kWhole.substr(0, kWhole.find("[[metric]]"));
  int read = 0;
  for (std::size_t size = 0; size < kWhole.size(); size += 2) read += survives(kWhole.substr(0, size));
  // What is whole without its end: lines of the last tables.
  EXPECT_GT(read, 5);
  EXPECT_LT(read, 200);
  EXPECT_TRUE(survives(needed));
}

std::string mutated(std::string text, std::mt19937& random) {
  static const std::vector<std::string> kPieces = {"[",
                                                   "]",
                                                   "[[",
                                                   "]]",
                                                   "{",
                                                   "}",
                                                   "=",
                                                   ".",
                                                   ",",
                                                   "\"",
                                                   "'",
                                                   "\"\"\"",
                                                   "\n",
                                                   "#",
                                                   "\\",
                                                   "\\u0000",
                                                   "\xff",
                                                   "\xc3",
                                                   "-",
                                                   "nan",
                                                   "inf",
                                                   "1e999",
                                                   "0x",
                                                   "99999999999999999999",
                                                   "-9223372036854775808",
                                                   "true",
                                                   "1979-05-27",
                                                   "{}",
                                                   "[]",
                                                   "\"\"",
                                                   "\"lcm\"",
                                                   "\"dpm++\"",
                                                   "omega",
                                                   "steps",
                                                   "checkpoint",
                                                   "\xef\xbb\xbf",
                                                   "\t",
                                                   "\r",
                                                   "\x01",
                                                   "/",
                                                   ".."};
  const auto below = [&](std::size_t n) { return n ? random() % n : 0; };
  for (int edits = 1 + static_cast<int>(below(3)); edits > 0; --edits) {
    const std::size_t at = below(text.size() + 1), length = below(text.size() - at + 1) % 40;
    switch (below(5)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(random());
        break;
      case 1:
        text.erase(at, length);
        break;
      case 2:
        text.insert(at, kPieces[below(kPieces.size())]);
        break;
      case 3:
        text.insert(below(text.size() + 1), text.substr(at, length));
        break;
      default:
        text.replace(at, length, kPieces[below(kPieces.size())]);
    }
  }
  return text;
}

TEST_F(AHostileFile, MayBeAnything) {
  std::mt19937 random(20231006);
  int read = 0;
  for (int i = 0; i < 2000; ++i) read += survives(mutated(kWhole, random));
  EXPECT_GT(read, 10);  // edits of values that stay in range
  EXPECT_LT(read, 1500);
}

TEST_F(AHostileFile, MayComeWithAnySetting) {
  std::mt19937 random(7);
  const std::vector<std::string> settings = {
      "grid.steps=[1, 4]", "checkpoint.lcm.path=lcm-lora", "prompts.where.0.at_least=5",
      "checkpoint.guided-distill.path={1=\"gd-1\",2=\"gd-2\",4=\"gd-4\",8=\"gd-8\"}"};
  int read = 0;
  for (int i = 0; i < 1000; ++i) read += survives(kWhole, {mutated(settings[random() % settings.size()], random)});
  EXPECT_GT(read, 10);
  EXPECT_LT(read, 800);
}

}  // namespace
}  // namespace fewstep
