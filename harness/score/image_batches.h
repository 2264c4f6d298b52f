#pragma once
#include "core/image.h"
#include "core/left_out.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <vector>

namespace fewstep {

struct ImageBatchOptions {
  int batch = 16;
  double max_left_out = kMaxLeftOut;
};

// images[i] was decoded from files[indices[i]].
using UseImageBatch = std::function<void(std::span<const Image> images, std::span<const std::size_t> indices)>;

// Decodes files in order and hands them to use, at most one batch in memory; progress goes to messages. Returns how
// many were broken and left out (core/left_out.h; use is not called once they are too many).
std::int64_t for_each_image_batch(std::span<const std::filesystem::path> files, const ImageBatchOptions& options,
                                  std::ostream& messages, const UseImageBatch& use);

}  // namespace fewstep
