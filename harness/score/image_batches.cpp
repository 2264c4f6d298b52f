#include "harness/score/image_batches.h"

#include "core/error.h"
#include "core/grouped.h"
#include "images/files.h"
#include "process/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <utility>

namespace fewstep {
namespace {

// "1,000 images: all of 512x512", "5 images: 3 of 512x512, 2 of 640x480"; of many sizes the most frequent.
std::string sizes_text(const std::map<std::pair<int, int>, std::int64_t>& sizes, std::int64_t images) {
  constexpr std::size_t kListed = 3;
  std::vector<std::pair<std::int64_t, std::string>> counts;
  for (const auto& [size, count] : sizes) counts.emplace_back(-count, fmt::format("{}x{}", size.second, size.first));
  std::sort(counts.begin(), counts.end());
  std::string text = grouped(images) + " images: ";
  if (counts.size() == 1) return text + "all of " + counts.front().second;
  for (std::size_t i = 0; i < std::min(kListed, counts.size()); ++i)
    text += (i ? ", " : "") + grouped(-counts[i].first) + " of " + counts[i].second;
  if (counts.size() > kListed)
    text += " and " + grouped(static_cast<std::int64_t>(counts.size() - kListed)) + " sizes more";
  return text;
}

}  // namespace

std::int64_t for_each_image_batch(std::span<const std::filesystem::path> files, const ImageBatchOptions& options,
                                  std::ostream& messages, const UseImageBatch& use) {
  if (options.batch < 1) throw usage_error("--batch", fmt::format("expected at least 1, got {}", options.batch));
  const auto all = static_cast<std::int64_t>(files.size());
  Progress progress(messages, 0, all, "measuring " + files[0].parent_path().string());
  LeftOut broken(files[0].parent_path().string(), options.max_left_out);
  std::size_t seen = 0;
  std::vector<Image> images;
  std::vector<std::size_t> indices;
  std::map<std::pair<int, int>, std::int64_t> sizes;
  for (std::size_t i = 0; i < files.size(); ++i) {
    try {
      images.push_back(read_image(files[i]));
      ++sizes[{images.back().height, images.back().width}];
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
  messages << "measured " << sizes_text(sizes, all - broken.count()) << std::endl;
  return broken.count();
}

}  // namespace fewstep
