#include "models/tokenizer/caption_words.h"

#include "models/tokenizer/unicode_tables.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <new>

namespace fewstep {
namespace {

enum class CharacterClass { kSpace, kLetter, kNumber, kOther };

template <typename Ranges>
bool in(const Ranges& ranges, char32_t c) {
  const auto above =
      std::upper_bound(ranges.begin(), ranges.end(), c, [](char32_t x, const auto& r) { return x < r.first; });
  return above != ranges.begin() && c <= std::prev(above)->last;
}

bool is_space(char32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13);
  if (c == 0x85) return true;
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(c));
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

CharacterClass class_of(char32_t c) {
  using enum CharacterClass;
  if (c < 0x80) {
    if (is_space(c)) return kSpace;
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return kLetter;
    return c >= '0' && c <= '9' ? kNumber : kOther;
  }
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return kLetter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return kNumber;
    default:
      break;
  }
  if (in(unicode::kNewLetters, c)) return kLetter;
  if (in(unicode::kNewNumbers, c)) return kNumber;
  return is_space(c) ? kSpace : kOther;
}

// One code point of valid UTF-8 and its length in bytes.
struct Decoded {
  char32_t character;
  std::size_t length;
};
Decoded decode_at(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  char32_t c = lead & (0xff >> (length + 1));
  for (std::size_t i = 1; i < length && at + i < text.size(); ++i) {
    c = c << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3f);
  }
  return {c, std::min(length, text.size() - at)};
}

void append(std::string& out, char32_t c) {
  std::array<utf8proc_uint8_t, 4> bytes;
  const auto length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(c), bytes.data());
  out.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(length));
}

void append_lower(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
    return;
  }
  if (c == 0x130) {  // İ is the one character whose lower case is two: i and a dot above
    out += "i\xcc\x87";
    return;
  }
  for (const auto& row : unicode::kNewCapitals) {
    if (c >= row.first && c <= row.last)
      return append(out, static_cast<char32_t>(static_cast<std::int32_t>(c) + row.offset));
  }
  append(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
}

void append_composed(std::string& out, std::string_view run) {
  if (run.empty()) return;
  utf8proc_uint8_t* composed = nullptr;
  const auto length =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(run.data()), static_cast<utf8proc_ssize_t>(run.size()),
                   &composed, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  if (length < 0) throw std::bad_alloc();  // the text is valid, so memory is all that can lack
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(composed, std::free);
  out.append(reinterpret_cast<const char*>(composed), static_cast<std::size_t>(length));
}

std::string composed(std::string_view text) {
  // Below U+0300 nothing composes or reorders.
  if (std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0xcc; }))
    return std::string(text);
  std::string out;
  std::size_t start = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto [c, length] = decode_at(text, at);
    if (in(unicode::kUncomposed, c)) {
      append_composed(out, text.substr(start, at - start));
      out.append(text.substr(at, length));
      start = at + length;
    }
    at += length;
  }
  append_composed(out, text.substr(start));
  return out;
}

constexpr std::array<std::string_view, 9> kWhole{
    "<|startoftext|>", "<|endoftext|>", "'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};

// The spelled-out special tokens are cut at their signs by the byte-level step that follows.
void add_piece(std::vector<std::string_view>& words, std::string_view piece) {
  if (!piece.starts_with("<|") || !piece.ends_with("text|>")) {
    words.push_back(piece);
    return;
  }
  words.push_back(piece.substr(0, 2));
  words.push_back(piece.substr(2, piece.size() - 4));
  words.push_back(piece.substr(piece.size() - 2));
}

}  // namespace

std::string repair_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  for (std::size_t at = 0; at < bytes.size();) {
    const unsigned char lead = byte(at);
    std::size_t expected = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    std::size_t valid = 1;
    // The second byte's range excludes overlong forms, surrogates and what is above U+10FFFF.
    const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    while (valid < expected && at + valid < bytes.size() && byte(at + valid) >= (valid == 1 ? low : 0x80) &&
           byte(at + valid) <= (valid == 1 ? high : 0xbf)) {
      ++valid;
    }
    if (valid == expected) {
      out.append(bytes.substr(at, valid));
    } else {
      out += "\xef\xbf\xbd";
    }
    at += valid;
  }
  return out;
}

std::string normalize_caption(std::string_view text) {
  const std::string nfc = composed(text);
  std::string out;
  out.reserve(nfc.size());
  bool after_space = false;
  for (std::size_t at = 0; at < nfc.size();) {
    const auto [c, length] = decode_at(nfc, at);
    at += length;
    const bool space = is_space(c);
    if (!space) append_lower(out, c);
    if (space && !after_space) out += ' ';
    after_space = space;
  }
  return out;
}

std::vector<std::string_view> split_words(std::string_view text) {
  using enum CharacterClass;
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at < text.size();) {
    const auto rest = text.substr(at);
    const auto whole = std::find_if(kWhole.begin(), kWhole.end(), [&](auto w) { return rest.starts_with(w); });
    if (whole != kWhole.end()) {
      add_piece(words, rest.substr(0, whole->size()));
      at += whole->size();
      continue;
    }
    const auto first = decode_at(text, at);
    const CharacterClass kind = class_of(first.character);
    std::size_t end = at + first.length;
    while (kind != kNumber && end < text.size()) {
      const auto next = decode_at(text, end);
      if (class_of(next.character) != kind) break;
      end += next.length;
    }
    if (kind != kSpace) words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

}  // namespace fewstep
