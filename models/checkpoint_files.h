#pragma once
#include <filesystem>
#include <string>

namespace fewstep {

// The weights of a network folder: STEM.safetensors, STEM.safetensors.index.json or the .fp16 variants, in this
// order. Throws Error (kInput) where there is none; for pickles (.bin) it names the command that converts them.
std::filesystem::path find_weights(const std::filesystem::path& folder, const std::string& stem);

}  // namespace fewstep
