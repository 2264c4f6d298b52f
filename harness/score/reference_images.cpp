#include "harness/score/reference_images.h"

#include "core/files.h"
#include "harness/score/image_batches.h"
#include "harness/score/reference_cache.h"
#include "images/files.h"
#include "metrics/frechet.h"
#include "process/progress.h"

#include <fmt/format.h>

#include <functional>
#include <numeric>
#include <ostream>
#include <vector>

namespace fewstep {
namespace {

void for_each_scene_batch(const ReferenceShapes& shapes, int batch, std::ostream& messages,
                          const std::function<void(std::span<const Image>)>& use) {
  const auto [split, style] = shapes.scenes;
  Progress progress(messages, 0, shapes.count, "features of built-in scenes");
  std::vector<Image> images;
  for (std::int64_t i = 0; i < shapes.count; ++i) {
    images.push_back(draw_shapes(make_shape_scene(split, static_cast<std::uint64_t>(shapes.first + i), style)));
    if (static_cast<int>(images.size()) < batch && i + 1 < shapes.count) continue;
    use(images);
    progress.add_images(static_cast<std::int64_t>(images.size()));
    images.clear();
  }
  progress.clear();
}

// Of images that are groups of their own.
Score distance(const std::vector<float>& rows, const OpenMetric& metric, const ReferenceData& reference) {
  std::vector<std::int64_t> own(rows.size() / static_cast<std::size_t>(metric.measure.width));
  std::iota(own.begin(), own.end(), 0);
  return metric.metric->aggregate(metric.settings.protocol, rows, metric.measure.width, own, &reference).score;
}

std::string content_of(const ImageList& list, const std::filesystem::path& images, KnownFolders known,
                       std::ostream& messages) {
  const auto before = known == KnownFolders::kIgnore ? std::nullopt : known_content(list.files, images);
  if (before && known == KnownFolders::kTake) return *before;
  std::string hash = hash_of_files(list.files, images);
  if (before && *before != hash)
    messages << "reference: " << images.string()
             << " has other content than when it was cached, under equal names, sizes and times" << std::endl;
  if (known != KnownFolders::kIgnore) keep_content(list.files, images, hash);
  return hash;
}

}  // namespace

Reference reference_from_folder(const std::filesystem::path& images, const OpenMetric& metric,
                                const std::filesystem::path& cache, int batch, double max_left_out, KnownFolders known,
                                std::ostream& messages) {
  const ImageList list = list_images(images, image_rule(metric));
  messages << "reference: " << text_of(list, images) << std::endl;
  const std::string hash = content_of(list, images, known, messages);
  Reference reference = reference_from_batches(hash, metric, cache, [&](const auto& use) {
    for_each_image_batch(list.files, {batch, max_left_out}, messages,
                         [&](std::span<const Image> decoded, auto) { use(decoded); });
  });
  if (const auto left_out =
          static_cast<std::int64_t>(list.files.size()) - metric.metric->reference->count(reference.data);
      left_out > 0)
    reference.flags.emplace_back(FlagKind::kSkippedReferenceImages, left_out);
  return reference;
}

Reference reference_from_shapes(const ReferenceShapes& shapes, const OpenMetric& metric,
                                const std::filesystem::path& cache, int batch, std::ostream& messages) {
  const auto [split, style] = shapes.scenes;
  const std::string hash =
      sha256(fmt::format("{}\n{}\n{}\n{}", shapes_hash(split, style), shapes.first, shapes.count, kShapesImageSize));
  return reference_from_batches(hash, metric, cache, [&](const auto& use) {
    messages << "reference: features of " << shapes.count << " built-in scenes" << std::endl;
    for_each_scene_batch(shapes, batch, messages, use);
  });
}

Score floor_of_folder(const std::filesystem::path& images, const OpenMetric& metric, std::int64_t count, int batch,
                      double max_left_out, std::ostream& messages) {
  messages << "floor: features of the reference images" << std::endl;
  const auto width = static_cast<std::size_t>(metric.measure.width);
  std::vector<float> rows;
  for_each_image_batch(list_images(images, image_rule(metric)).files, {batch, max_left_out}, messages,
                       [&](std::span<const Image> decoded, auto) {
                         const auto of_batch = metric.measure.rows(decoded, {});
                         rows.insert(rows.end(), of_batch.begin(), of_batch.end());
                       });
  const auto all = static_cast<std::int64_t>(rows.size() / width);
  if (all < count + 2) return {.count = count, .flags = {{FlagKind::kNeedsReferenceImages, count + 2}}};
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(all));
  std::iota(numbers.begin(), numbers.end(), 0);
  std::vector<float> ordered;
  for (const std::size_t row : infinity_order(numbers)) {
    const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(row * width);
    ordered.insert(ordered.end(), begin, begin + static_cast<std::ptrdiff_t>(width));
  }
  const auto end = ordered.begin() + count * static_cast<std::ptrdiff_t>(width);
  const ReferenceKind& kind = *metric.metric->reference;
  std::any others;
  kind.add(others, std::span(end, ordered.end()), metric.measure.width);
  return distance({ordered.begin(), end}, metric, kind.fit(others));
}

Score floor_of_shapes(const ReferenceShapes& shapes, const OpenMetric& metric, const ReferenceData& reference,
                      std::int64_t count, int batch, std::ostream& messages) {
  messages << "floor: features of " << count << " built-in scenes more" << std::endl;
  ReferenceShapes more = shapes;
  more.first += shapes.count;
  more.count = count;
  std::vector<float> rows;
  for_each_scene_batch(more, batch, messages, [&](std::span<const Image> images) {
    const auto of_batch = metric.measure.rows(images, {});
    rows.insert(rows.end(), of_batch.begin(), of_batch.end());
  });
  return distance(rows, metric, reference);
}

}  // namespace fewstep
