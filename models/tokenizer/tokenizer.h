#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// CLIP's lower-cased byte-level BPE, from a Transformers tokenizer folder (tokenizer_files.h).
class Tokenizer {
 public:
  // max_length: as in read_tokenizer_files. Throws Error (kInput).
  static Tokenizer open(const std::filesystem::path& folder, std::int64_t max_length = 0);

  // start + tokens + end, cut to max_length with the end token kept, padded to max_length with the pad token.
  std::vector<std::int64_t> encode(std::string_view text) const;
  // The caption as diffusers' pipelines tokenize it: a learned token of several vectors is followed by its others,
  // "<cat>" by "<cat>_1 <cat>_2 …" (maybe_convert_prompt).
  std::string with_all_vectors(std::string_view caption) const;
  // The text's own ids: no start, no end, nothing cut, no padding.
  std::vector<std::int64_t> tokens(std::string_view text) const;
  std::int64_t max_length() const;  // 77 for CLIP
  std::int64_t start_id() const;
  std::int64_t end_id() const;
  std::int64_t pad_id() const;

  struct Tables;  // vocabulary, ranks, special tokens

 private:
  std::shared_ptr<const Tables> tables_;
};

}  // namespace fewstep
