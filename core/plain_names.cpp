#include "core/plain_names.h"

#include <algorithm>

namespace fewstep {
namespace {

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.' || c == '+';
}

bool may_be_first(char c) { return c != '-' && c != '.'; }

}  // namespace

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && may_be_first(name[0]) && std::ranges::all_of(name, is_plain);
}

std::string as_plain_name(std::string_view text, std::size_t longest) {
  std::string name;
  for (const char c : text) {
    const bool continues = (static_cast<unsigned char>(c) & 0xc0) == 0x80;  // of a UTF-8 character
    if (continues || (name.empty() && !(is_plain(c) && may_be_first(c)))) continue;
    if (name.size() < longest) name += is_plain(c) ? c : '-';
  }
  return name.empty() ? "unnamed" : name;
}

std::string new_plain_name(std::string_view text, std::set<std::string>& taken) {
  std::string name = as_plain_name(text);
  for (int n = 2; taken.contains(name); ++n) {
    const std::string number = "-" + std::to_string(n);
    name = as_plain_name(text, kLongestName - number.size()) + number;
  }
  taken.insert(name);
  return name;
}

}  // namespace fewstep
