#include "models/tokenizer/tokenizer.h"

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "formats/json.h"
#include "formats/safetensors.h"
#include "temporary.h"
#include "warnings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <random>
#include <sstream>

namespace fewstep {
namespace {

using nlohmann::json;
using std::string;
using testing::ElementsAre;
namespace fs = std::filesystem;
using Ids = std::vector<std::int64_t>;

const fs::path kGolden = fs::path(FEWSTEP_TEST_DATA) / "tokenizer";

// A tokenizer folder of the golden vocabulary and the special-token files of one model family.
class Folder {
 public:
  explicit Folder(const string& style) {
    for (const char* name : {"vocab.json", "merges.txt"}) fs::create_symlink(kGolden / name, folder_.path() / name);
    for (const char* name : {"tokenizer_config.json", "special_tokens_map.json"})
      fs::copy_file(kGolden / style / name, folder_.path() / name);
  }
  fs::path path() const { return folder_.path(); }
  // Replaces one key of a JSON file, or removes it.
  void set(const string& file, const string& key, const json& value) const {
    json content = read_json_object(path() / file);
    content[key] = value;
    folder_.write(file, content.dump());
  }
  void write(const string& file, std::string_view content) const {
    fs::remove(path() / file);
    folder_.write(file, content);
  }

 private:
  TemporaryFolder folder_;
};

template <typename T>
std::vector<T> array(const SafetensorsFile& file, const string& name) {
  const auto& view = file.tensors().at(name);
  std::vector<T> values(view.data.size() / sizeof(T));
  std::memcpy(values.data(), view.data.data(), view.data.size());
  return values;
}

// Rows of ids without their padding.
std::vector<Ids> rows(const SafetensorsFile& file, const string& name) {
  const auto flat = array<std::uint16_t>(file, name + ".ids");
  std::vector<Ids> result;
  auto at = flat.begin();
  for (const auto length : array<std::int32_t>(file, name + ".lengths")) {
    result.emplace_back(at, at + length);
    at += length;
  }
  return result;
}

string from_hex(const string& hex) {
  string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

std::vector<string> texts(const SafetensorsFile& ids, const string& kind) {
  std::vector<string> result;
  if (kind == "captions") {
    std::istringstream lines(read_file(fs::path(FEWSTEP_TEST_DATA) / "prompts/coco2014_captions.tsv"));
    string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
      std::istringstream columns(line);
      string column;
      for (int i = 0; i < 3; ++i) std::getline(columns, column, '\t');
      result.push_back(column);
    }
  } else if (kind == "random") {
    const auto bytes = array<char>(ids, "random.text");
    auto at = bytes.begin();
    for (const auto length : array<std::int32_t>(ids, "random.text_lengths")) {
      result.emplace_back(at, at + length);
      at += length;
    }
  } else {
    const json all = read_json_object(kGolden / "texts.json");
    for (const auto& text : all[kind]) result.push_back(from_hex(text.get<string>()));
  }
  return result;
}

class EqualToTransformers : public testing::TestWithParam<std::tuple<string, string>> {};

TEST_P(EqualToTransformers, OnEveryText) {
  const auto [style, kind] = GetParam();
  const auto tokenizer = Tokenizer::open(kGolden / style);
  const auto ids = SafetensorsFile::open(kGolden / "ids.safetensors");
  const auto expected = rows(ids, style + "." + kind);
  const auto strings = texts(ids, kind);
  ASSERT_EQ(strings.size(), expected.size()) << "remake with: make golden";
  EXPECT_EQ(strings.size(), kind == "captions" ? 5000u : strings.size());
  int wrong = 0;
  for (std::size_t i = 0; i < strings.size(); ++i) {
    Ids padded = expected[i];
    padded.resize(77, tokenizer.pad_id());
    const Ids found = tokenizer.encode(strings[i]);
    if (found != padded && ++wrong <= 5) {
      ADD_FAILURE() << in_quotes(strings[i]) << "\nfound " << testing::PrintToString(found) << "\nexpected "
                    << testing::PrintToString(padded) << "\nremake with: make golden";
    }
  }
  EXPECT_EQ(wrong, 0) << "of " << strings.size();
}

INSTANTIATE_TEST_SUITE_P(Tokenizer, EqualToTransformers,
                         testing::Combine(testing::Values("sd15", "sd21"),
                                          testing::Values("captions", "awkward", "broken", "random")),
                         [](const auto& test) { return std::get<0>(test.param) + "_" + std::get<1>(test.param); });

TEST(Tokenizer, ResolvesOtherSpecialTokenFilesAsTransformersDoes) {
  const auto ids = SafetensorsFile::open(kGolden / "variants.safetensors");
  auto strings = texts(ids, "awkward");
  for (const string& learned : texts(ids, "learned")) strings.push_back(learned);
  std::vector<string> names;
  for (const auto& variant : fs::directory_iterator(kGolden / "variants"))
    names.push_back(variant.path().filename().string());
  ASSERT_EQ(names.size(), 12u);
  for (const string& name : names) {
    const auto tokenizer = Tokenizer::open(kGolden / "variants" / name);
    const auto expected = rows(ids, name);
    ASSERT_EQ(strings.size(), expected.size()) << "remake with: make golden";
    for (std::size_t i = 0; i < strings.size(); ++i) {
      Ids padded = expected[i];
      padded.resize(32, tokenizer.pad_id());
      EXPECT_EQ(tokenizer.encode(strings[i]), padded)
          << name << ": " << in_quotes(strings[i]) << ", remake with: make golden";
    }
  }
}

string utf8(char32_t c) {
  if (c < 0x80) return {static_cast<char>(c)};
  if (c < 0x800) return {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 63))};
  string bytes = c < 0x10000 ? string{static_cast<char>(0xe0 | c >> 12)}
                             : string{static_cast<char>(0xf0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 63))};
  return bytes + static_cast<char>(0x80 | (c >> 6 & 63)) + static_cast<char>(0x80 | (c & 63));
}

// FNV-1a over the ids and a closing −1, as tests/references/tokenizer.py has it.
std::uint64_t checksum(const Ids& ids) {
  std::uint64_t value = 0xcbf29ce484222325;
  const auto add = [&](std::int64_t number) { value = (value ^ (number & 0xffffffff)) * 0x100000001b3; };
  for (const auto id : ids) add(id);
  add(-1);
  return value;
}

TEST(Tokenizer, AgreesWithTransformersOnEveryCodePoint) {
  for (const string style : {"sd15", "sd21"}) {
    const Folder folder(style);
    folder.set("tokenizer_config.json", "model_max_length", 65536);
    const auto tokenizer = Tokenizer::open(folder.path());
    const auto expected =
        array<std::uint64_t>(SafetensorsFile::open(kGolden / "ids.safetensors"), style + ".code_points");
    std::vector<char32_t> points;
    for (char32_t c = 0; c < 0x110000; ++c) {
      if (c < 0xd800 || c >= 0xe000) points.push_back(c);
    }
    ASSERT_EQ(expected.size(), (points.size() + 511) / 512) << "remake with: make golden";
    for (std::size_t block = 0; block < expected.size(); ++block) {
      string text;
      for (std::size_t i = 512 * block; i < std::min(512 * (block + 1), points.size()); ++i)
        text += "A" + utf8(points[i]) + "A1" + utf8(points[i]) + ".";
      Ids ids = tokenizer.encode(text);
      while (ids.size() > 1 && ids.back() == tokenizer.pad_id()) ids.pop_back();
      if (ids.back() != tokenizer.end_id()) ids.push_back(tokenizer.end_id());
      EXPECT_EQ(checksum(ids), expected[block])
          << style << " from code point " << static_cast<int>(points[512 * block]);
    }
  }
}

TEST(Tokenizer, PadsWithTheEndTokenForSd15AndWithIdZeroForSd21) {
  const auto sd15 = Tokenizer::open(kGolden / "sd15"), sd21 = Tokenizer::open(kGolden / "sd21");
  EXPECT_EQ(sd15.start_id(), 49406);
  EXPECT_EQ(sd15.end_id(), 49407);
  EXPECT_EQ(sd15.pad_id(), 49407);
  EXPECT_EQ(sd21.pad_id(), 0);
  EXPECT_EQ(sd15.max_length(), 77);
  const Ids a = sd15.encode("wow!"), b = sd21.encode("wow!");
  EXPECT_THAT(Ids(a.begin(), a.begin() + 4), ElementsAre(49406, 2781, 256, 49407));
  EXPECT_THAT(Ids(b.begin(), b.begin() + 5), ElementsAre(49406, 2781, 0, 49407, 0));
}

TEST(Tokenizer, KeepsTheEndTokenWhenItCuts) {
  const auto tokenizer = Tokenizer::open(kGolden / "sd15");
  string words;
  for (int i = 0; i < 200; ++i) words += "word ";
  const Ids ids = tokenizer.encode(words);
  ASSERT_EQ(ids.size(), 77u);
  EXPECT_EQ(ids.front(), 49406);
  EXPECT_EQ(ids[75], ids[1]);
  EXPECT_EQ(ids.back(), 49407);
}

TEST(Tokenizer, TakesTheLengthOfItsConfiguration) {
  const Folder folder("sd15");
  folder.set("tokenizer_config.json", "model_max_length", 16);
  EXPECT_EQ(Tokenizer::open(folder.path()).encode("a photo of a cat").size(), 16u);
}

TEST(Tokenizer, ReadsTheSingleFileThatTransformers5Writes) {
  const Folder folder("sd15");
  std::istringstream lines(read_file(kGolden / "merges.txt"));
  json merges = json::array();
  string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    const auto space = line.find(' ');
    merges.push_back(merges.size() % 2 ? json(line) : json{line.substr(0, space), line.substr(space + 1)});
  }
  const auto added = [](int id, const char* content, bool normalized) {
    return json{{"id", id}, {"content", content}, {"normalized", normalized}, {"special", true}};
  };
  const json whole{
      {"model", {{"vocab", read_json_object(kGolden / "vocab.json")}, {"merges", merges}}},
      {"added_tokens",
       {added(0, "!", false), added(49406, "<|startoftext|>", true), added(49407, "<|endoftext|>", true)}}};
  folder.write("tokenizer.json", whole.dump());
  folder.write("tokenizer_config.json", R"({"model_max_length":77,"pad_token":"!","tokenizer_class":"CLIPTokenizer"})");
  for (const char* name : {"vocab.json", "merges.txt", "special_tokens_map.json"}) fs::remove(folder.path() / name);
  const auto single = Tokenizer::open(folder.path()), sd21 = Tokenizer::open(kGolden / "sd21");
  for (const char* text : {"wow!!", "a photo of <|ENDOFTEXT|> it's", "Ångström"})
    EXPECT_EQ(single.encode(text), sd21.encode(text)) << text;
}

TEST(Tokenizer, TakesAddedTokensOfTheConfigurationBeforeTheSpecialTokensMap) {
  const Folder folder("sd21");
  const auto added = [](const char* content, bool normalized) {
    return json{{"content", content}, {"lstrip", false}, {"rstrip", false}, {"normalized", normalized}};
  };
  folder.set("tokenizer_config.json", "added_tokens_decoder",
             {{"49406", added("<|startoftext|>", true)}, {"49407", added("<|endoftext|>", true)}});
  // The map, which says that "!" pads, is not read then; the configuration says the end token.
  EXPECT_EQ(Tokenizer::open(folder.path()).pad_id(), 49407);
}

TEST(Tokenizer, EncodesAMegabyteInOneWordInReasonableTime) {
  const auto tokenizer = Tokenizer::open(kGolden / "sd15");
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(tokenizer.encode(string(1'000'000, 'a')).size(), 77u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

void expect_refused(const Folder& folder, const string& text) {
  EXPECT_FEWSTEP_ERROR(Tokenizer::open(folder.path()), ExitCode::kInput, text);
}

TEST(Tokenizer, RefusesAFolderThatLacksAFile) {
  EXPECT_FEWSTEP_ERROR(Tokenizer::open("/nonexistent"), ExitCode::kInput, "expected a tokenizer folder");
  for (const char* name : {"vocab.json", "merges.txt", "tokenizer_config.json"}) {
    const Folder folder("sd15");
    fs::remove(folder.path() / name);
    expect_refused(folder, string(name) + "] cannot be read");
  }
}

TEST(Tokenizer, RefusesAHostileVocabulary) {
  const auto refused = [](const string& vocabulary, const string& text) {
    SCOPED_TRACE(vocabulary);
    const Folder folder("sd15");
    folder.write("vocab.json", vocabulary);
    expect_refused(folder, text);
  };
  refused("", "expected valid JSON");
  refused("[1]", "expected a JSON object, got array");
  refused("{}", "expected an object of token to id");
  refused(R"({"a":1,"a":2})", "got \"a\" twice");
  refused(R"({"a":1,"b":1})", "got 1 twice, the second time for token \"b\"");
  refused(R"({"a":-1})", "expected a whole number from 0 for token \"a\", got \"-1\"");
  refused(R"({"a":1.5})", "got \"1.5\"");
  refused(R"({"a":"1"})", "expected a whole number");
  refused(R"({"a":2147483648})", "expected a whole number");
  refused("{\"a\":1", "line 1");
  refused("{\"a\xff\":1}", "expected valid JSON");
  refused(string(5000, '['), "64 levels");
  refused(R"({"a":1})", "expected the special token \"<|startoftext|>\" in the vocabulary");
  refused(R"({"<|startoftext|>":0,"<|endoftext|>":1})", "got \"i n\" as merge 1 and no token \"i\"");
}

TEST(Tokenizer, RefusesHostileMerges) {
  const auto refused = [](const string& merges, const string& text) {
    SCOPED_TRACE(merges);
    const Folder folder("sd15");
    folder.write("merges.txt", merges);
    expect_refused(folder, text);
  };
  refused("#version: 0.2\ni n\nthree small words\n", "line 3] expected two tokens and a space between them");
  refused("i n\n\nt h\n", "line 2]");
  refused("one\n", "line 1]");
  refused(" a\n", "line 1]");
  refused("i n\nq qqqq\n", "as merge 2 and no token \"qqqq\"");
  refused(string("i\0n", 3), "line 1]");
}

TEST(Tokenizer, RefusesConfigurationsThatItDoesNotFollow) {
  const auto refused = [](const string& file, const string& key, const json& value, const string& text) {
    SCOPED_TRACE(key);
    const Folder folder("sd15");
    folder.set(file, key, value);
    expect_refused(folder, text);
  };
  const string config = "tokenizer_config.json", map = "special_tokens_map.json";
  refused(config, "tokenizer_class", "T5Tokenizer", "expected tokenizer_class CLIPTokenizer, got \"T5Tokenizer\"");
  refused(config, "model_max_length", 1e30, "expected model_max_length from 3");
  refused(config, "model_max_length", 2, "expected model_max_length from 3");
  refused(config, "model_max_length", nullptr, "expected model_max_length from 3");
  refused(config, "truncation_side", "left", "truncation_side");
  refused(config, "padding_side", "left", "padding_side");
  refused(config, "split_special_tokens", true, "split_special_tokens");
  refused(config, "added_tokens_decoder", 1, "expected an object added_tokens_decoder");
  refused(config, "added_tokens_decoder", {{"x", {{"content", "!"}}}}, "expected an id");
  refused(config, "added_tokens_decoder", {{"1", {{"content", 3}}}}, "expected a token with its content");
  refused(map, "additional_special_tokens", "<x>", "expected a list additional_special_tokens");
  refused(map, "pad_token", "<pad>", "expected the special token \"<pad>\" in the vocabulary");
  refused(map, "pad_token", nullptr, "expected a pad_token, got none");
  refused(map, "pad_token", 5, "expected a token, got number");
  refused(map, "eos_token", {{"content", "<|endoftext|>"}, {"lstrip", true}}, "lstrip = true is not supported");
}

TEST(Tokenizer, SurvivesMutatedFiles) {
  std::mt19937_64 random(5);
  const string vocabulary = R"({"!":0,"a":1,"b</w>":2,"ab</w>":3,"<|startoftext|>":4,"<|endoftext|>":5})";
  int opened = 0, refused = 0;
  const Folder folder("sd15");
  const auto original = [&](const string& name) {
    return name == "vocab.json"          ? vocabulary
           : name == "merges.txt"        ? "#version: 0.2\na b</w>\n"
           : name == "added_tokens.json" ? R"({"<cat-toy>": 6, "<cat-toy>_1": 7, "<big dog>": 9})"
                                         : read_file(kGolden / "sd15" / name);
  };
  const std::vector<string> names{"vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json",
                                  "added_tokens.json"};
  const Warnings warnings;
  for (const auto& name : names) folder.write(name, original(name));
  for (int i = 0; i < (std::getenv("FEWSTEP_TORTURE") ? 10'000 : 2000); ++i) {
    const string& name = names[random() % names.size()];
    string bytes = original(name);
    for (auto changes = random() % 3 + 1; changes > 0; --changes)
      bytes[random() % bytes.size()] = static_cast<char>(random() % 3 ? random() : "{}[]\",:01 \n"[random() % 11]);
    folder.write(name, bytes);
    try {
      const auto tokenizer = Tokenizer::open(folder.path());
      EXPECT_GE(tokenizer.encode(tokenizer.with_all_vectors("ab <cat-toy>! a\xff")).size(), 3u);
      ++opened;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kInput) << error.what();
      ++refused;
    }
    folder.write(name, original(name));
  }
  EXPECT_GT(opened, 20);
  EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace fewstep
