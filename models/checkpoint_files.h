#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace fewstep {

// The weights of a network folder: STEM.safetensors, STEM.safetensors.index.json or the .fp16 variants, in this
// order; diffusers' networks (diffusion_pytorch_model) have the index before the file. Throws Error (kInput) where
// there is none; for pickles (.bin) it names the command that converts them.
std::filesystem::path find_weights(const std::filesystem::path& folder, const std::string& stem);
// A weights file as find_weights gives it, and the shards beside it where it is an index.
std::vector<std::filesystem::path> weight_files(const std::filesystem::path& weights);

}  // namespace fewstep
