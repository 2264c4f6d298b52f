#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

namespace fewstep {

// Writes a tokenizer folder in CLIP's file format (vocab.json, merges.txt, tokenizer_config.json,
// special_tokens_map.json) for a small vocabulary: each word is one token, any other text falls into parts of words and
// bytes. words: lower-case ASCII letters. max_length: tokens of a caption with start and end, which is also the
// padding. Throws Error: kUsage for other words, kEnvironment when the disk refuses.
void write_word_tokenizer(const std::filesystem::path& folder, std::span<const std::string_view> words,
                          std::int64_t max_length);

}  // namespace fewstep
