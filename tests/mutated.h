#pragma once
#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>

namespace fewstep {

using Random = std::mt19937;

inline std::size_t below(Random& random, std::size_t n) { return n == 0 ? 0 : random() % n; }

// One to four of: bits flipped, bytes that parsers trip over, a piece cut, repeated or moved, the end cut.
inline std::string mutated(std::string bytes, Random& random) {
  constexpr std::string_view kAwkward("\0\xff\x7f\x80\"\\{[\n\r\t,\xc3\xe2", 14);
  for (std::size_t times = 1 + below(random, 4); times > 0 && !bytes.empty(); --times) {
    const std::size_t at = below(random, bytes.size());
    const std::size_t length = 1 + below(random, std::min<std::size_t>(bytes.size() - at, 40));
    switch (below(random, 7)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(random, 8)));
        break;
      case 1:
        bytes[at] = kAwkward[below(random, kAwkward.size())];
        break;
      case 2:
        bytes.erase(at, length);
        break;
      case 3:
        bytes.insert(at, bytes.substr(at, length));
        break;
      case 4:
        bytes.insert(below(random, bytes.size()), bytes.substr(at, length));
        break;
      case 5:
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), length, static_cast<char>(random()));
        break;
      default:
        bytes.resize(bytes.size() - below(random, std::min<std::size_t>(bytes.size(), 64)));
        break;
    }
  }
  return bytes;
}

}  // namespace fewstep
