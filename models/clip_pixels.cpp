#include "models/clip_pixels.h"

#include "formats/json.h"
#include "images/resize.h"
#include "models/config.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace fewstep {
namespace {

constexpr std::array<double, 3> kMean = {0.48145466, 0.4578275, 0.40821073};
constexpr std::array<double, 3> kDeviation = {0.26862954, 0.26130258, 0.27577711};
constexpr int kPillowBicubic = 3;

// The mapping works on 8-bit levels, and rounds to float32 wherever numpy does.
std::array<float, 256> normalised_levels(std::size_t channel) {
  std::array<float, 256> levels;
  for (std::size_t level = 0; level < levels.size(); ++level) {
    const auto rescaled = static_cast<float>(static_cast<double>(level) * (1.0 / 255.0));
    levels[level] = (rescaled - static_cast<float>(kMean[channel])) / static_cast<float>(kDeviation[channel]);
  }
  return levels;
}

Image short_side(const Image& image, std::int64_t size) {
  const std::int64_t shorter = std::min(image.height, image.width), longer = std::max(image.height, image.width);
  const int target = static_cast<int>(size),
            rest = static_cast<int>(size * longer / std::max<std::int64_t>(shorter, 1));
  return image.width <= image.height ? resize_pil(image, rest, target, PilFilter::kBicubic)
                                     : resize_pil(image, target, rest, PilFilter::kBicubic);
}

// Older files have plain numbers for what newer ones write as objects.
void spell_out(nlohmann::json& object, const char* key, std::initializer_list<const char*> names) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return;
  nlohmann::json sides = nlohmann::json::object();
  for (const char* name : names) sides[name] = *found;
  *found = sides;
}

nlohmann::json read_preprocessor(const std::filesystem::path& file) {
  nlohmann::json object = read_json_object(file);
  const auto nested = object.find("image_processor");
  return nested != object.end() && nested->is_object() ? nlohmann::json(*nested) : object;
}

void check_preprocessor(const std::filesystem::path& file, std::int64_t image_size) {
  nlohmann::json object = read_preprocessor(file);
  // A null stands for the class's default. Only a plain number asks default_to_square what it means.
  for (auto item = object.begin(); item != object.end();) item = item->is_null() ? object.erase(item) : std::next(item);
  if (object.contains("do_pad") && object["do_pad"] == false) object.erase("do_pad");
  const bool squares = object.contains("size") && object["size"].is_number();
  spell_out(object, "size", {"shortest_edge"});
  spell_out(object, "crop_size", {"height", "width"});
  Config config(std::move(object), file.string(), {"CLIPImageProcessorPil"});
  for (const char* step : {"do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb"})
    config.only(step, true);
  config.only("size", {{"shortest_edge", image_size}});
  config.only("crop_size", {{"height", image_size}, {"width", image_size}});
  config.only("resample", kPillowBicubic);
  config.only("rescale_factor", 1.0 / 255.0);
  config.only("image_mean", kMean);
  config.only("image_std", kDeviation);
  config.only("do_pad", nullptr);
  if (squares) config.only("default_to_square", false);
  config.without_effect(
      "image_processor_type feature_extractor_type processor_class data_format input_data_format return_tensors "
      "device default_to_square disable_grouping image_seq_length pad_size");
  config.finish();
}

}  // namespace

Tensor clip_pixels(const Image& image, std::int64_t size) {
  static const std::array<std::array<float, 256>, 3> levels = {normalised_levels(0), normalised_levels(1),
                                                               normalised_levels(2)};
  const Image square = center_crop(short_side(image, size), static_cast<int>(size), static_cast<int>(size));
  Tensor pixels = at::empty({1, 3, size, size}, at::kFloat);
  float* out = pixels.mutable_data_ptr<float>();
  for (std::size_t channel = 0; channel < 3; ++channel)
    for (std::size_t i = channel; i < square.rgb.size(); i += 3) *out++ = levels[channel][square.rgb[i]];
  return pixels;
}

void check_clip_preprocessor(const std::filesystem::path& folder, std::int64_t image_size) {
  for (const char* name : {"preprocessor_config.json", "processor_config.json"}) {
    if (!std::filesystem::exists(folder / name)) continue;
    check_preprocessor(folder / name, image_size);
    return;
  }
}

}  // namespace fewstep
