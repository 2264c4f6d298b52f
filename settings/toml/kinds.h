#pragma once
#include <toml++/toml.h>

#include <string>
#include <string_view>

namespace fewstep {

enum class FileKind { kExperiment, kRecipe, kGate };

// Throws Error (kUsage) for a file of another kind, with the command that takes it: by keys that only one kind has.
void expect_kind(FileKind kind, const toml::table& root, const std::string& file);

}  // namespace fewstep
