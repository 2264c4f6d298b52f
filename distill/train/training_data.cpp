#include "distill/train/training_data.h"

#include "core/files.h"
#include "datasets/shapes.h"

#include <fmt/format.h>

#include <algorithm>

namespace fewstep {
namespace {

ShapeScene scene_of(const TrainingData& data, std::int64_t index) {
  return make_shape_scene(data.shapes->split, static_cast<std::uint64_t>(index), data.shapes->style);
}

}  // namespace

CaptionedImages training_images(const TrainingData& data, bool captions_needed) {
  if (!data.shapes) {
    ImageQuery query{.images = data.images,
                     .captions = data.captions,
                     .file_column = data.file_column,
                     .text_column = data.text_column,
                     .captions_needed = captions_needed,
                     .max_left_out = data.max_left_out};
    if (data.count > 0) query.count = data.count;
    return open_captioned_images(query);
  }
  const std::string identity = fmt::format("shapes {} {} {} {}", kShapesVersion, name_of(data.shapes->split),
                                           name_of(data.shapes->style), data.resolution);
  return {data.count, sha256(identity), "", [data](std::int64_t index) {
            const ShapeScene scene = scene_of(data, index);
            return CaptionedImage{draw_shapes(scene, data.resolution), scene.caption};
          }};
}

ImageLabels labels_of(const TrainingData& data, std::int64_t index) {
  constexpr int kGrid = 4;
  const ShapeScene scene = scene_of(data, index);
  ImageLabels labels{static_cast<std::int64_t>(scene.background),
                     {scene.objects.size() == 2 ? 1.0F : 0.0F},
                     std::vector<float>(kShapeKinds * kShapeColours * 2),
                     std::vector<float>(kGrid * kGrid)};
  for (const ShapeObject& object : scene.objects) {
    const auto kind = static_cast<std::size_t>(object.shape) * kShapeColours + static_cast<std::size_t>(object.colour);
    labels.objects[2 * kind + (object.large ? 1 : 0)] = 1;
    const auto cell = [](double at) { return static_cast<std::size_t>(std::clamp(at * kGrid, 0.0, kGrid - 1.0)); };
    labels.occupancy[cell(object.y) * kGrid + cell(object.x)] = 1;
  }
  return labels;
}

}  // namespace fewstep
