#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace fewstep {

// A token that is cut out of a caption before anything else: the special tokens, and learned ones (textual inversion).
struct AddedToken {
  std::string content;
  bool normalized = false;  // matched in the normalized caption rather than in the raw one
  std::int64_t id = 0;
};

// What a Transformers tokenizer folder says, its files resolved as Transformers 5 does: tokenizer.json (what version 5
// writes) before vocab.json and merges.txt; added_tokens_decoder in tokenizer_config.json before
// special_tokens_map.json, added_tokens.json and tokenizer.json's own list, of which a later one overrules; the map
// before the rest of tokenizer_config.json. An added token that the vocabulary lacks has the next free id, whatever a
// file says.
struct TokenizerFiles {
  std::unordered_map<std::string, std::int64_t> vocabulary;
  std::vector<std::pair<std::string, std::string>> merges;
  std::vector<AddedToken> added;  // every content once
  std::int64_t start_id = 0, end_id = 0, pad_id = 0, unknown_id = 0, max_length = 77;
};

// The files that a tokenizer folder may hold.
inline constexpr std::array<std::string_view, 6> kTokenizerFiles{
    "vocab.json",       "merges.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json"};
// Returns those of them that are read, which decide the token ids: tokenizer.json stands for vocab.json and merges.txt,
// and added_tokens_decoder in tokenizer_config.json for special_tokens_map.json and added_tokens.json.
std::vector<std::filesystem::path> tokenizer_files(const std::filesystem::path& folder);

// max_length: tokens of a text; 0 takes the folder's model_max_length, which must then be there. Throws Error (kInput)
// naming the file, for a folder that is not a CLIP tokenizer's or asks for what is not supported.
TokenizerFiles read_tokenizer_files(const std::filesystem::path& folder, std::int64_t max_length = 0);

}  // namespace fewstep
