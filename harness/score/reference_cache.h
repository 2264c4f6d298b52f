#pragma once
#include <filesystem>
#include <optional>
#include <span>
#include <string>

namespace fewstep {

// Where statistics of references are kept: cache_folder()/references; beside, the store's own folder, where no cache is
// kept. Empty where neither is there.
std::filesystem::path references_folder(const std::filesystem::path& beside);

// A folder of reference images is known again by the sorted names, sizes, times of change and inodes of its files, so
// that an unchanged one is not read. Returns the hash of their content (hash_of_files) as it was; nothing where the
// files' state is new.
std::optional<std::string> known_content(std::span<const std::filesystem::path> files,
                                         const std::filesystem::path& folder);
// Keeps it. Does nothing where it cannot be written: a cache is no result.
void keep_content(std::span<const std::filesystem::path> files, const std::filesystem::path& folder,
                  const std::string& content_hash);

}  // namespace fewstep
