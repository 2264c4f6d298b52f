#include "core/plain_names.h"

#include "core/folder.h"

#include <fmt/format.h>

#include <algorithm>

namespace fewstep {
namespace {

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
         c == '.' || c == '+';
}

bool may_be_first(char c) { return c != '-' && c != '.'; }

// The parts of a path from its end; a cache's folder replaces its snapshots.
std::vector<std::string> parts_from_end(const std::filesystem::path& folder) {
  constexpr std::string_view kCached = "models--", kSnapshots = "snapshots";
  std::vector<std::string> parts;
  const auto path = without_slash(std::filesystem::absolute(folder));
  for (auto part = path.begin(); part != path.end(); ++part) {
    const std::string text = part->string();
    const bool cached = text.starts_with(kCached) && std::next(part) != path.end() && *std::next(part) == kSnapshots;
    parts.push_back(cached ? text.substr(text.rfind("--") + 2) : text);
    for (int skipped = 0; cached && skipped < 2 && std::next(part) != path.end(); ++skipped) ++part;
  }
  std::ranges::reverse(parts);
  return parts;
}

bool all_differ(std::vector<std::string> names) {
  std::ranges::sort(names);
  return std::ranges::adjacent_find(names) == names.end();
}

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

std::vector<std::string> names_of_folders(std::span<const std::filesystem::path> folders) {
  std::vector<std::vector<std::string>> parts;
  std::size_t deepest = 1;
  for (const auto& folder : folders) {
    parts.push_back(parts_from_end(folder));
    deepest = std::max(deepest, parts.back().size());
  }
  std::vector<std::string> names(folders.size());
  const auto part_of = [&](std::size_t i, std::size_t depth) { return depth < parts[i].size() ? parts[i][depth] : ""; };
  for (std::size_t depth = 0; depth < deepest && !(depth > 0 && all_differ(names)); ++depth) {
    bool varies = folders.size() == 1;
    for (std::size_t i = 1; i < folders.size(); ++i) varies |= part_of(i, depth) != part_of(0, depth);
    if (!varies) continue;
    for (std::size_t i = 0; i < folders.size(); ++i)
      names[i] = part_of(i, depth) + (names[i].empty() || part_of(i, depth).empty() ? "" : "-") + names[i];
    if (folders.size() == 1) break;
  }
  std::set<std::string> taken;
  for (std::size_t i = 0; i < folders.size(); ++i)
    names[i] = new_plain_name(names[i].empty() ? part_of(i, 0) : names[i], taken);
  return names;
}

std::string new_plain_name(std::string_view text, std::set<std::string>& taken) {
  std::string name = as_plain_name(text);
  for (int n = 2; taken.contains(name); ++n) {
    const std::string number = fmt::format("-{}", n);
    name = as_plain_name(text, kLongestName - number.size()) + number;
  }
  taken.insert(name);
  return name;
}

}  // namespace fewstep
