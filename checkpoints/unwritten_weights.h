#pragma once
#include <filesystem>
#include <string>

namespace fewstep {

// What says that a checkpoint's weights are not written yet, though their files have their size: a file with holes, or
// a matrix that is entirely zero. LoRA's up matrices and cond_proj begin as zeros and do not count. Empty where all
// weights are written. Reads each tensor up to its first byte that is not zero. Throws Error (kInput) for broken files.
std::string unwritten_weights(const std::filesystem::path& checkpoint);

}  // namespace fewstep
