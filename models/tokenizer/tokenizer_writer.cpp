#include "models/tokenizer/tokenizer_writer.h"

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "formats/json.h"
#include "models/tokenizer/byte_pair.h"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace fewstep {
namespace {

using nlohmann::ordered_json;
namespace fs = std::filesystem;
using Merge = std::pair<std::string, std::string>;

constexpr const char* kStart = "<|startoftext|>";
constexpr const char* kEnd = "<|endoftext|>";

std::vector<std::string> letters_of(std::string_view word) {
  const bool plain =
      !word.empty() && std::all_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  if (!plain) throw usage_error("tokenizer", "expected words of lower-case letters, got " + in_quotes(word));
  std::vector<std::string> symbols;
  for (const char letter : word) symbols.emplace_back(1, letter);
  symbols.back() += kEndOfWord;
  return symbols;
}

// One merge after the other in the order of their ranks, as byte-pair encoding goes.
void merge(const std::vector<Merge>& merges, std::vector<std::string>& symbols) {
  for (bool merged = true; merged;) {
    merged = false;
    for (const auto& [left, right] : merges) {
      for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
        if (symbols[i] != left || symbols[i + 1] != right) continue;
        symbols[i] += right;
        symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(i) + 1);
        merged = true;
      }
      if (merged) break;  // what is new may fit a merge of lower rank
    }
  }
}

// A word that is one token stays one: merges that come later have higher ranks, and are not reached.
std::vector<Merge> merges_of(std::span<const std::string_view> words) {
  std::vector<Merge> merges;
  for (const std::string_view word : words) {
    std::vector<std::string> symbols = letters_of(word);
    for (merge(merges, symbols); symbols.size() > 1; merge(merges, symbols))
      merges.emplace_back(symbols[0], symbols[1]);
  }
  return merges;
}

// CLIP's order: bytes, bytes at the end of a word, merges, start, end.
ordered_json vocabulary_of(const std::vector<Merge>& merges) {
  std::vector<std::string> tokens = byte_characters();
  for (std::size_t i = 0; i < 256; ++i) tokens.push_back(tokens[i] + std::string(kEndOfWord));
  for (const auto& [left, right] : merges) tokens.push_back(left + right);
  tokens.insert(tokens.end(), {kStart, kEnd});
  ordered_json vocabulary;
  for (const std::string& token : tokens)  // two merges may make the same token
    vocabulary.emplace(token, vocabulary.size());
  return vocabulary;
}

ordered_json special_token(const char* content) {
  return {{"content", content}, {"lstrip", false}, {"normalized", true}, {"rstrip", false}, {"single_word", false}};
}

ordered_json typed_token(const char* content) {
  ordered_json token = {{"__type", "AddedToken"}};
  token.update(special_token(content));
  return token;
}

ordered_json config_of(std::int64_t max_length) {
  return {{"add_prefix_space", false},
          {"bos_token", typed_token(kStart)},
          {"do_lower_case", true},
          {"eos_token", typed_token(kEnd)},
          {"errors", "replace"},
          {"model_max_length", max_length},
          {"pad_token", kEnd},
          {"tokenizer_class", "CLIPTokenizer"},
          {"unk_token", typed_token(kEnd)}};
}

}  // namespace

void write_word_tokenizer(const fs::path& folder, std::span<const std::string_view> words, std::int64_t max_length) {
  if (max_length < 3) throw usage_error("tokenizer", fmt::format("expected at least 3 tokens, got {}", max_length));
  const std::vector<Merge> merges = merges_of(words);
  std::string lines = "#version: 0.2\n";
  for (const auto& [left, right] : merges) lines += left + " " + right + "\n";
  const ordered_json special = {{"bos_token", special_token(kStart)},
                                {"eos_token", special_token(kEnd)},
                                {"pad_token", kEnd},
                                {"unk_token", special_token(kEnd)}};
  make_folders(folder);
  write_file_atomically(folder / "vocab.json", vocabulary_of(merges).dump());
  write_file_atomically(folder / "merges.txt", lines);
  write_file_atomically(folder / "tokenizer_config.json", config_of(max_length).dump(2) + "\n");
  write_file_atomically(folder / "special_tokens_map.json", special.dump(2) + "\n");
}

}  // namespace fewstep
