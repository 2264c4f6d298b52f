#include "core/stand_ins.h"

#include "core/error.h"

#include <array>
#include <fstream>
#include <system_error>

namespace fewstep {

bool is_lfs_pointer(std::string_view bytes) { return bytes.starts_with("version https://git-lfs.github.com/spec/"); }

bool is_dangling(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_symlink(path, ignored) && !std::filesystem::exists(path, ignored);
}

void refuse_stand_in(const std::filesystem::path& path) {
  constexpr std::uintmax_t kLargestPointer = 1024;  // by its specification
  std::error_code failure;
  if (is_dangling(path))
    throw input_error(path.string(), "is a link to " + std::filesystem::read_symlink(path, failure).string() +
                                         ", where nothing is; copy the folder with what its links lead to: cp -rL");
  if (!std::filesystem::is_regular_file(path, failure)) return;
  if (const auto size = std::filesystem::file_size(path, failure); failure || size > kLargestPointer) return;
  std::array<char, 64> start{};
  std::ifstream file(path, std::ios::binary);
  file.read(start.data(), start.size());
  if (is_lfs_pointer({start.data(), static_cast<std::size_t>(file.gcount())}))
    throw input_error(path.string(), "is a Git LFS pointer, not the file itself; fetch the file: git lfs pull");
}

}  // namespace fewstep
