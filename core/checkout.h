#pragma once
#include <filesystem>
#include <optional>

namespace fewstep {

// Where an installed program has its files: share/fewstep beside its bin/. May not be there.
std::filesystem::path installed_folder();

// A file or folder of the checkout ("experiments/pocket.toml"), looked for above the program, above the working
// directory and in the installed folder.
std::optional<std::filesystem::path> find_in_checkout(const std::filesystem::path& relative);

}  // namespace fewstep
