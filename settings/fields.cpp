#include "settings/fields.h"

#include "core/folder.h"

namespace fewstep {

std::filesystem::path SettingsFile::path(const std::string& text, const std::string& where) {
  if (text.find('\0') != std::string::npos) throw usage_error(where, "expected a path, got one with a NUL byte");
  std::filesystem::path path = without_slash(file.parent_path() / text);
  places.emplace(path, where);
  return path;
}

}  // namespace fewstep
