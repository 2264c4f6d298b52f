#pragma once
#include "core/image.h"
#include "core/tensor.h"

#include <cstdint>
#include <filesystem>

namespace fewstep {

// What Transformers' CLIPImageProcessorPil makes of an image: bicubic to a short side of size (Pillow, 8 bits), the
// middle square, /255, CLIP's mean and standard deviation. [1,3,size,size] float32 on the CPU.
Tensor clip_pixels(const Image& image, std::int64_t size);

// Where folder has a preprocessor_config.json (or processor_config.json), it has to say what clip_pixels does for a
// tower of this image_size. Throws Error (kInput) naming the key that differs.
void check_clip_preprocessor(const std::filesystem::path& folder, std::int64_t image_size);

}  // namespace fewstep
