#include "harness/image_batches.h"

#include "core/error.h"
#include "harness/progress.h"
#include "images/files.h"

#include <ostream>

namespace fewstep {

std::int64_t for_each_image_batch(std::span<const std::filesystem::path> files, const ImageBatchOptions& options,
                                  std::ostream& messages, const UseImageBatch& use) {
  if (options.batch < 1) throw usage_error("--batch", "expected at least 1, got " + std::to_string(options.batch));
  const auto all = static_cast<std::int64_t>(files.size());
  Progress progress(messages, 0, all);
  LeftOut broken(files[0].parent_path().string(), options.max_left_out);
  std::size_t seen = 0;
  std::vector<Image> images;
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < files.size(); ++i) {
    try {
      images.push_back(read_image(files[i]));
      indices.push_back(i);
    } catch (const Error& error) {
      if (error.code() != ExitCode::kInput) throw;
      broken.add(error.what());
    }
    const bool full = images.size() == static_cast<std::size_t>(options.batch) || i + 1 == files.size();
    if (!full) continue;
    if (!images.empty() && broken.fits(all)) use(images, indices);
    images.clear();
    indices.clear();
    progress.add_images(static_cast<std::int64_t>(i + 1 - seen));
    seen = i + 1;
  }
  progress.clear();
  broken.finish(all, "images");
  return broken.count();
}

}  // namespace fewstep
