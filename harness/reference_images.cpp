#include "harness/reference_images.h"

#include "core/files.h"
#include "harness/image_batches.h"
#include "harness/progress.h"
#include "images/files.h"

#include <ostream>
#include <vector>

namespace fewstep {

Reference reference_from_folder(const std::filesystem::path& images, const OpenMetric& metric,
                                const std::filesystem::path& cache, int batch, double max_left_out,
                                std::ostream& messages) {
  const ImageList list = list_images(images, image_rule(metric));
  messages << "reference: " << text_of(list, images) << std::endl;
  Reference reference = reference_from_batches(hash_of_files(list.files, images), metric, cache, [&](const auto& use) {
    for_each_image_batch(list.files, {batch, max_left_out}, messages,
                         [&](std::span<const Image> decoded, auto) { use(decoded); });
  });
  if (const auto left_out = static_cast<std::int64_t>(list.files.size()) - reference.gaussian.count; left_out > 0)
    reference.flags.push_back("skipped-reference-images:" + std::to_string(left_out));
  return reference;
}

Reference reference_from_shapes(const ReferenceShapes& shapes, const OpenMetric& metric,
                                const std::filesystem::path& cache, int batch, std::ostream& messages) {
  const auto [split, style] = shapes.scenes;
  const std::string hash = sha256(shapes_hash(split, style) + "\n" + std::to_string(shapes.first) + "\n" +
                                  std::to_string(shapes.count) + "\n" + std::to_string(kShapesImageSize));
  return reference_from_batches(hash, metric, cache, [&](const auto& use) {
    messages << "reference: features of " << shapes.count << " built-in scenes" << std::endl;
    Progress progress(messages, 0, shapes.count);
    std::vector<Image> images;
    for (std::int64_t i = 0; i < shapes.count; ++i) {
      images.push_back(draw_shapes(make_shape_scene(split, static_cast<std::uint64_t>(shapes.first + i), style)));
      if (static_cast<int>(images.size()) < batch && i + 1 < shapes.count) continue;
      use(images);
      progress.add_images(static_cast<std::int64_t>(images.size()));
      images.clear();
    }
    progress.clear();
  });
}

}  // namespace fewstep
