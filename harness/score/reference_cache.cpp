#include "harness/score/reference_cache.h"

#include "core/cache_folder.h"
#include "core/error.h"
#include "core/files.h"

#include <fmt/format.h>
#include <sys/stat.h>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

constexpr std::uint64_t kHashBytes = 64;

// The file that holds the content's hash; empty where none is kept.
Path entry_of(std::span<const Path> files, const Path& folder) {
  const Path cache = cache_folder();
  if (cache.empty()) return {};
  std::string text;
  for (const Path& file : files) {
    struct stat state {};
    if (::stat(file.c_str(), &state) != 0) return {};
    text += fmt::format("{}\n{} {}.{:09} {} {}\n", file.lexically_relative(folder).string(), state.st_size,
                        state.st_mtim.tv_sec, state.st_mtim.tv_nsec, state.st_dev, state.st_ino);
  }
  return cache / "references" / (sha256(text) + ".sha256");
}

}  // namespace

Path references_folder(const Path& beside) {
  const Path cache = cache_folder();
  return cache.empty() ? beside : cache / "references";
}

std::optional<std::string> known_content(std::span<const Path> files, const Path& folder) {
  const Path entry = entry_of(files, folder);
  std::error_code ignored;
  if (entry.empty() || !std::filesystem::exists(entry, ignored)) return {};
  try {
    const std::string hash = read_file(entry, kHashBytes);
    const bool whole = hash.size() == kHashBytes && hash.find_first_not_of("0123456789abcdef") == std::string::npos;
    return whole ? std::optional(hash) : std::nullopt;
  } catch (const Error&) {
    return {};
  }
}

void keep_content(std::span<const Path> files, const Path& folder, const std::string& content_hash) {
  const Path entry = entry_of(files, folder);
  if (entry.empty()) return;
  try {
    make_folders(entry.parent_path());
    write_file_atomically(entry, content_hash);
  } catch (const Error&) {
    return;
  }
}

}  // namespace fewstep
