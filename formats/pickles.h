#pragma once
#include "core/error.h"

#include <filesystem>
#include <optional>

namespace fewstep {

// Pickled weights (.bin .pt .pth .ckpt .pkl) can run code when they are read: they are named, never opened.
bool is_pickle(const std::filesystem::path& path);
// The pickle that lies where a missing .safetensors or .safetensors.index.json was looked for.
std::optional<std::filesystem::path> pickle_beside(const std::filesystem::path& path);
// The refusal (kInput) with the one-line command that converts it.
Error pickle_error(const std::filesystem::path& path);

}  // namespace fewstep
