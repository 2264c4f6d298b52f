#pragma once
#include <filesystem>
#include <string_view>

namespace fewstep {

// What may lie in a file's place: the pointer that Git LFS leaves until it fetches the file, or a link whose target is
// gone, as a hub's cache is full of when it is copied without its blobs.

bool is_lfs_pointer(std::string_view bytes);

// Whether path is a link to nothing.
bool is_dangling(const std::filesystem::path& path);

// Every reader calls it before it reads. Throws Error (kInput) with what to do for one of the two; what else is wrong
// with path, the reader says.
void refuse_stand_in(const std::filesystem::path& path);

}  // namespace fewstep
