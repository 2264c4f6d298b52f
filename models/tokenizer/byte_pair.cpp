#include "models/tokenizer/byte_pair.h"

#include "core/error.h"
#include "core/text.h"

#include <fmt/format.h>

#include <array>
#include <queue>
#include <tuple>

namespace fewstep {
namespace {

bool printable(int byte) { return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174; }

// The character that stands for a byte: itself where it is printable Latin-1, else one from U+0100 on. Source: GPT-2.
std::string byte_character(int byte) {
  int c = byte;
  if (!printable(byte)) {
    c = 256;
    for (int b = 0; b < byte; ++b) c += printable(b) ? 0 : 1;
  }
  if (c < 0x80) return {static_cast<char>(c)};
  return {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 0x3f))};
}

}  // namespace

std::vector<std::string> byte_characters() {
  std::vector<std::string> characters;
  for (const bool want : {true, false})
    for (int byte = 0; byte < 256; ++byte)
      if (printable(byte) == want) characters.push_back(byte_character(byte));
  return characters;
}

BytePairEncoder::BytePairEncoder(const std::unordered_map<std::string, std::int64_t>& vocabulary,
                                 const std::vector<std::pair<std::string, std::string>>& merges,
                                 std::optional<std::int64_t> unknown, const std::string& where) {
  const auto id_of_byte = [&](const std::string& token) {
    const auto found = vocabulary.find(token);
    if (found == vocabulary.end() && !unknown)
      throw input_error(where, "expected the byte token " + in_quotes(token) + " in the vocabulary");
    return static_cast<std::uint32_t>(found == vocabulary.end() ? *unknown : found->second);
  };
  for (int byte = 0; byte < 256; ++byte) {
    inner_.push_back(id_of_byte(byte_character(byte)));
    last_.push_back(id_of_byte(byte_character(byte) + std::string(kEndOfWord)));
  }
  std::uint32_t rank = 0;
  for (const auto& [left, right] : merges) {
    std::array<std::uint32_t, 3> ids{};
    const std::array<std::string, 3> tokens{left, right, left + right};
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const auto found = vocabulary.find(tokens[i]);
      if (found == vocabulary.end()) {
        throw input_error(where, fmt::format("expected only merges of known tokens, got {} as merge {} and no token {}",
                                             in_quotes(left + " " + right), rank + 1, in_quotes(tokens[i])));
      }
      ids[i] = static_cast<std::uint32_t>(found->second);
    }
    merges_[pair_key(ids[0], ids[1])] = {rank++, ids[2]};
  }
}

std::vector<BytePairEncoder::Symbol> BytePairEncoder::symbols_of(std::string_view word) const {
  const auto size = static_cast<std::int64_t>(word.size());
  std::vector<Symbol> symbols;
  symbols.reserve(word.size());
  for (std::int64_t i = 0; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(word[static_cast<std::size_t>(i)]);
    symbols.push_back({i + 1 == size ? last_[byte] : inner_[byte], i - 1, i + 1 == size ? -1 : i + 1, true});
  }
  return symbols;
}

std::vector<std::int64_t> BytePairEncoder::encode(std::string_view word) const {
  const auto size = static_cast<std::int64_t>(word.size());
  std::vector<Symbol> symbols = symbols_of(word);
  // (rank, position, merged id): the lowest rank first, then the leftmost.
  using Candidate = std::tuple<std::uint32_t, std::int64_t, std::uint32_t>;
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  const auto at = [&](std::int64_t i) -> Symbol& { return symbols[static_cast<std::size_t>(i)]; };
  const auto merge_at = [&](std::int64_t i) {
    return at(i).next < 0 ? merges_.end() : merges_.find(pair_key(at(i).id, at(at(i).next).id));
  };
  const auto offer = [&](std::int64_t i) {
    if (const auto merge = merge_at(i); merge != merges_.end()) queue.push({merge->second.rank, i, merge->second.id});
  };
  for (std::int64_t i = 0; i + 1 < size; ++i) offer(i);
  while (!queue.empty()) {
    const auto [rank, i, id] = queue.top();
    queue.pop();
    if (!at(i).alive) continue;
    const auto merge = merge_at(i);
    if (merge == merges_.end() || merge->second.id != id) continue;  // its pair is gone
    const std::int64_t right = at(i).next;
    at(right).alive = false;
    at(i).id = id;
    at(i).next = at(right).next;
    if (at(i).next >= 0) {
      at(at(i).next).previous = i;
      offer(i);
    }
    if (at(i).previous >= 0) offer(at(i).previous);
  }
  std::vector<std::int64_t> ids;
  for (const Symbol& symbol : symbols) {
    if (symbol.alive) ids.push_back(symbol.id);
  }
  return ids;
}

}  // namespace fewstep
