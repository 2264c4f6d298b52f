#include "metrics/fd_pocket.h"

#include "core/error.h"
#include "core/files.h"
#include "models/checkpoint_files.h"
#include "models/feature_net.h"

#include <memory>
#include <string>

namespace fewstep {
namespace {

// That of the lines "HASH  NAME" which sha256sum prints for these files.
std::string hash_of(const std::filesystem::path& folder) {
  std::string lines = sha256_file(folder / "config.json") + "  config.json\n";
  for (const auto& file : weight_files(find_weights(folder, "model")))
    lines += sha256_file(file) + "  " + file.filename().string() + "\n";
  return sha256(lines);
}

void check_sizes(std::span<const Image> images, std::int64_t size) {
  for (const Image& image : images) {
    if (image.height == size && image.width == size) continue;
    const std::string side = std::to_string(size);
    throw input_error("fd-pocket", "expected images of " + side + "x" + side + " pixels, the feature network's, got " +
                                       std::to_string(image.height) + "x" + std::to_string(image.width));
  }
}

}  // namespace

Measure open_fd_pocket(const MetricSettings& settings, const Compute& compute) {
  use_exact_float32();
  const auto network =
      std::make_shared<const FeatureNet>(load_feature_net(settings.model, {compute.device, at::kFloat}));
  return {network->config.features, hash_of(settings.model),
          [network](std::span<const Image> images, std::span<const std::string>) -> Tensor {
            check_sizes(images, network->config.image_size);
            return features(*network, from_images(images)).cpu();
          }};
}

}  // namespace fewstep
