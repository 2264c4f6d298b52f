#pragma once
#include <filesystem>
#include <iosfwd>

namespace fewstep {

// Where an installed fewstep has its pocket world packed: share/fewstep/pocket.tar.xz.
std::filesystem::path pocket_archive();

// Unpacks experiments/pocket.toml and pocket/ into a folder, whole or not at all. Equal files become hard links. Throws
// Error: kInput for a broken archive and where another pocket/ stands, kEnvironment where the folder cannot be written.
void unpack_pocket(const std::filesystem::path& archive, const std::filesystem::path& into);

}  // namespace fewstep
