#include "core/text.h"

#include <algorithm>

namespace fewstep {

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kMaxQuoted = 120;
  constexpr char kDigits[] = "0123456789abcdef";
  const std::string_view shown = text.substr(0, whole_characters(text, kMaxQuoted));
  std::string out = "\"";
  for (const char c : shown) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    } else {
      out += c;
    }
  }
  return out + (shown.size() < text.size() ? "…\"" : "\"");
}

std::string lower(std::string_view text) {
  std::string small(text);
  std::transform(small.begin(), small.end(), small.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return small;
}

std::string extension_of(const std::filesystem::path& file) { return lower(file.extension().string()); }

std::size_t whole_characters(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text.size();
  std::size_t end = bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return end;
}

}  // namespace fewstep
