#pragma once
#include <filesystem>
#include <string>

namespace fewstep {

// What says that a checkpoint's weights are not written yet, though their files have their size: a file with holes, or
// a matrix that is entirely zero (of LoRA's up matrices and of cond_proj, which begin as zeros, nothing follows). Empty
// where nothing does. Reads each tensor up to its first byte that is not zero. Throws Error (kInput) for broken files.
std::string unwritten_weights(const std::filesystem::path& checkpoint);

}  // namespace fewstep
