#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

namespace fewstep {

// 859520964 as "859,520,964", for people.
inline std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > (number < 0 ? 1 : 0); at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

}  // namespace fewstep
