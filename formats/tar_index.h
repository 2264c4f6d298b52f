#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace fewstep {

// Where a file lies in an uncompressed .tar, for read_file_part.
struct TarEntry {
  std::string name;  // as the archive has it, without "./" before it
  std::uint64_t offset = 0, size = 0;
};

// The files of a .tar (ustar, pax, GNU), in their order; folders are left out. Reads headers alone. Throws Error
// (kInput) for a compressed or broken archive, one that ends too early or without its end mark, a link, a sparse file,
// and a name that is there twice.
std::vector<TarEntry> index_tar(const std::filesystem::path& tar);

}  // namespace fewstep
