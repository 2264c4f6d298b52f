#pragma once
#include <filesystem>
#include <string>

namespace fewstep {

// "a/b/" → "a/b"; normalised.
inline std::filesystem::path without_slash(const std::filesystem::path& folder) {
  const std::filesystem::path normal = folder.lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

// The last part of a folder's absolute path, also of "." and "a/b/".
inline std::string folder_name(const std::filesystem::path& folder) {
  return without_slash(std::filesystem::absolute(folder)).filename().string();
}

}  // namespace fewstep
