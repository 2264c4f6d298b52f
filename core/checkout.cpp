#include "core/checkout.h"

#include <system_error>

namespace fewstep {

std::optional<std::filesystem::path> find_in_checkout(const std::filesystem::path& relative) {
  std::error_code failure;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failure);
  for (const std::filesystem::path& start : {program.parent_path(), std::filesystem::current_path()}) {
    for (std::filesystem::path folder = start; !folder.empty(); folder = folder.parent_path()) {
      if (std::filesystem::exists(folder / relative, failure)) return folder / relative;
      if (folder == folder.root_path()) break;
    }
  }
  return {};
}

}  // namespace fewstep
