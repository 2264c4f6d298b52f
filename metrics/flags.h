#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// What a reader must know about a score, in the order of kFlagWords; reports/flags.h explains each.
enum class FlagKind {
  kRankDeficient,
  kReferenceRankDeficient,
  kBiasedUpward,
  kNeedsReferenceImages,
  kNeedsImages,
  kAssumedProtocol,
  kSkippedImages,
  kSkippedReferenceImages,
  kClampedAtZero,
  kRecomputed,
  kBatchInParts,
  kUnknown  // a word of another version
};

// How stores, CSV and JSON write each: '*' is its number.
inline constexpr std::array<std::string_view, 11> kFlagWords{"rank-deficient",   "reference-rank-deficient",
                                                             "biased-upward",    "needs-*-reference-images",
                                                             "needs-*-images",   "assumed-protocol",
                                                             "skipped-images:*", "skipped-reference-images:*",
                                                             "clamped-at-0",     "recomputed:*",
                                                             "batch-in-parts:*"};

struct Flag {
  FlagKind kind = FlagKind::kUnknown;
  std::int64_t n = 0;        // images; 0 where the word has no number
  std::string unknown = {};  // the word of kUnknown

  Flag(FlagKind kind_of, std::int64_t number = 0) : kind(kind_of), n(number) {}
  // Reads a word. Any text is a flag.
  Flag(std::string_view word);
  Flag(const char* word) : Flag(std::string_view(word)) {}
  friend bool operator==(const Flag&, const Flag&) = default;
};
std::string word_of(const Flag& flag);
std::vector<std::string> words_of(const std::vector<Flag>& flags);

}  // namespace fewstep
