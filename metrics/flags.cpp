#include "metrics/flags.h"

#include <fmt/format.h>

#include <charconv>

namespace fewstep {

Flag::Flag(std::string_view word) {
  for (std::size_t i = 0; i < kFlagWords.size(); ++i) {
    const std::string_view known = kFlagWords[i];
    const auto star = known.find('*');
    if (star == std::string_view::npos) {
      if (word != known) continue;
      kind = static_cast<FlagKind>(i);
      return;
    }
    const std::string_view before = known.substr(0, star), after = known.substr(star + 1);
    if (word.size() <= before.size() + after.size() || !word.starts_with(before) || !word.ends_with(after)) continue;
    const char *begin = word.data() + before.size(), *const end = word.data() + word.size() - after.size();
    std::int64_t number = 0;
    if (const auto [rest, failure] = std::from_chars(begin, end, number);
        failure != std::errc() || rest != end || fmt::format("{}", number) != std::string_view(begin, end))
      continue;
    kind = static_cast<FlagKind>(i);
    n = number;
    return;
  }
  unknown = word;
}

std::string word_of(const Flag& flag) {
  if (flag.kind == FlagKind::kUnknown) return flag.unknown;
  const std::string_view known = kFlagWords[static_cast<std::size_t>(flag.kind)];
  const auto star = known.find('*');
  if (star == std::string_view::npos) return std::string(known);
  return fmt::format("{}{}{}", known.substr(0, star), flag.n, known.substr(star + 1));
}

std::vector<std::string> words_of(const std::vector<Flag>& flags) {
  std::vector<std::string> words;
  for (const Flag& flag : flags) words.push_back(word_of(flag));
  return words;
}

}  // namespace fewstep
