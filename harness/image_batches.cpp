#include "harness/image_batches.h"

#include "core/error.h"
#include "harness/progress.h"
#include "images/files.h"

#include <algorithm>
#include <ostream>

namespace fewstep {
namespace {

class Broken {
 public:
  Broken(bool skip, Progress& progress, std::ostream& messages)
      : skip_(skip), progress_(progress), messages_(messages) {}

  void add(const Error& error) {
    if (error.code() != ExitCode::kInput) throw error;
    ++count_;
    if (skip_) {
      progress_.clear();
      messages_ << "warning: skipped " << error.what() << std::endl;
    }
    if (count_ <= kNamed) named_ += "\n  " + std::string(error.what());
  }
  std::int64_t count() const { return count_; }

  [[noreturn]] void fail(const std::filesystem::path& folder, std::size_t files) const {
    std::string what =
        "expected " + std::to_string(files) + " whole images, got " + std::to_string(count_) +
        " that cannot be decoded; replace them (score and stats leave them out with --skip-broken):" + named_;
    if (count_ > kNamed) what += "\n  and " + std::to_string(count_ - kNamed) + " more";
    throw input_error(folder.string(), what);
  }

 private:
  static constexpr std::int64_t kNamed = 10;
  const bool skip_;
  Progress& progress_;
  std::ostream& messages_;
  std::int64_t count_ = 0;
  std::string named_;
};

}  // namespace

std::int64_t for_each_image_batch(std::span<const std::filesystem::path> files, const ImageBatchOptions& options,
                                  std::ostream& messages, const UseImageBatch& use) {
  if (options.batch < 1) throw usage_error("--batch", "expected at least 1, got " + std::to_string(options.batch));
  Progress progress(messages, 0, static_cast<std::int64_t>(files.size()));
  Broken broken(options.skip_broken, progress, messages);
  std::size_t seen = 0;
  std::vector<Image> images;
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < files.size(); ++i) {
    try {
      images.push_back(read_image(files[i]));
      indices.push_back(i);
    } catch (const Error& error) {
      broken.add(error);
    }
    const bool full = images.size() == static_cast<std::size_t>(options.batch) || i + 1 == files.size();
    if (!full) continue;
    if (!images.empty() && (options.skip_broken || broken.count() == 0)) use(images, indices);
    images.clear();
    indices.clear();
    progress.add_images(static_cast<std::int64_t>(i + 1 - seen));
    seen = i + 1;
  }
  progress.clear();
  if (broken.count() > 0 && !options.skip_broken) broken.fail(files[0].parent_path(), files.size());
  if (broken.count() == static_cast<std::int64_t>(files.size())) broken.fail(files[0].parent_path(), files.size());
  return broken.count();
}

}  // namespace fewstep
