#include "core/checkout.h"

#include <system_error>

namespace fewstep {

namespace {

std::filesystem::path this_program() {
  std::error_code failure;
  return std::filesystem::read_symlink("/proc/self/exe", failure);
}

}  // namespace

std::filesystem::path installed_folder() { return this_program().parent_path().parent_path() / "share" / "fewstep"; }

std::optional<std::filesystem::path> find_in_checkout(const std::filesystem::path& relative) {
  std::error_code failure;
  const std::filesystem::path program = this_program();
  for (const std::filesystem::path& start : {program.parent_path(), std::filesystem::current_path()}) {
    for (std::filesystem::path folder = start; !folder.empty(); folder = folder.parent_path()) {
      if (std::filesystem::exists(folder / relative, failure)) return folder / relative;
      if (folder == folder.root_path()) break;
    }
  }
  const auto installed = installed_folder() / relative;
  return std::filesystem::exists(installed, failure) ? std::optional(installed) : std::nullopt;
}

}  // namespace fewstep
