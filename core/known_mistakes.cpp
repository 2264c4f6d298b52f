#include "core/known_mistakes.h"

#include "core/names.h"

#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace fewstep {
namespace {

void replace(std::string& text, std::string_view mark, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(mark, at)) != std::string::npos; at += by.size())
    text.replace(at, mark.size(), by);
}

}  // namespace

std::string remedy(KnownMistake mistake, std::string_view about) {
  std::string text(kKnownMistakes[static_cast<std::size_t>(mistake)].to_do);
  const std::filesystem::path path(about);
  const bool single = mistake == KnownMistake::kSingleFile;  // beside the file
  const std::string out = single ? std::filesystem::path(path).replace_extension().string() : path.filename().string();
  replace(text, "{out}", out);
  replace(text, "{}", about);
  return "; " + text;
}

std::string remedy_for_nothing_at(const std::filesystem::path& path) {
  std::error_code ignored;
  const auto exists = [&](const std::filesystem::path& place) { return std::filesystem::exists(place, ignored); };
  const std::filesystem::path owner = path.parent_path(), place = owner.parent_path();
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(owner.empty() ? "." : owner, ignored))
    names.push_back(entry.path().filename().string());
  if (const std::string near = nearest_name(path.filename().string(), names); !near.empty() && !exists(path))
    return "; did you mean " + (owner / near).string() + "?";
  if (owner.filename().empty() || owner.filename().string().find_first_not_of('.') == std::string::npos) return "";
  if (exists(path) || exists(owner) || !(place.empty() || exists(place))) return "";
  return remedy(KnownMistake::kHubId, (owner.filename() / path.filename()).string());
}

}  // namespace fewstep
