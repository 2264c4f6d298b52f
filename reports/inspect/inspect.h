#pragma once
#include <filesystem>
#include <iosfwd>

namespace fewstep {

// What a path holds: a checkpoint folder or one of its networks, a .safetensors file, a store, a statistics .npz
// (recognised by content). json: one object on out; else lines for people. Throws Error (kInput) for anything else and
// for what is broken.
void run_inspect(const std::filesystem::path& path, bool json, std::ostream& out);

}  // namespace fewstep
