#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace fewstep {

inline constexpr std::string_view kEndOfWord = "</w>";

// The 256 characters that stand for bytes, in the order of CLIP's vocabulary: printable ones, then those of the other
// bytes.
std::vector<std::string> byte_characters();

// Byte-level byte-pair encoding with CLIP's end-of-word suffix "</w>".
class BytePairEncoder {
 public:
  // vocabulary: token → id; merges in order of rank. unknown: id of what the vocabulary lacks. Throws Error (kInput)
  // where a merge's parts or result are not in the vocabulary, or a byte is not and unknown is absent.
  BytePairEncoder(const std::unordered_map<std::string, std::int64_t>& vocabulary,
                  const std::vector<std::pair<std::string, std::string>>& merges, std::optional<std::int64_t> unknown,
                  const std::string& where);

  // Ids of one word, in at most O(n log n).
  std::vector<std::int64_t> encode(std::string_view word) const;

 private:
  struct Merge {
    std::uint32_t rank;
    std::uint32_t id;
  };
  struct Symbol {
    std::uint32_t id;
    std::int64_t previous, next;  // −1: none
    bool alive;
  };
  std::vector<Symbol> symbols_of(std::string_view word) const;  // of its bytes
  static std::uint64_t pair_key(std::uint32_t left, std::uint32_t right) { return std::uint64_t{left} << 32 | right; }

  std::vector<std::uint32_t> inner_, last_;  // ids of each byte within a word and at its end
  std::unordered_map<std::uint64_t, Merge> merges_;
};

}  // namespace fewstep
