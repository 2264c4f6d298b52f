#pragma once
#include <filesystem>
#include <optional>

namespace fewstep {

// A file or folder of the checkout ("experiments/pocket.toml"), looked for above the program and above the working
// directory.
std::optional<std::filesystem::path> find_in_checkout(const std::filesystem::path& relative);

}  // namespace fewstep
