// The Fréchet distance in the features of a small network of one's own (models/feature_net.h), where Inception has no
// say: on images of the network's size alone, 8 bits taken to −1..1 as they are. Its numbers have nothing to do with
// FID's.
#include "core/error.h"
#include "core/files.h"
#include "metrics/registry.h"
#include "models/checkpoint_files.h"
#include "models/feature_net.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

namespace fewstep {
namespace {

void check_size(const Image& image, std::int64_t size) {
  if (image.height == size && image.width == size) return;
  const std::string side = std::to_string(size);
  throw input_error("fd-pocket", fmt::format("expected images of {}x{} pixels, the feature network's, got {}x{}", side,
                                             side, image.height, image.width));
}

}  // namespace

// Rows are the network's features. The folder's configuration and weights go into model_hash.
Measure open_fd_pocket(const MetricSettings& settings, const Compute& compute) {
  const auto network =
      std::make_shared<const FeatureNet>(load_feature_net(settings.network, {compute.device, at::kFloat}));
  std::vector<std::filesystem::path> files{settings.network / "config.json"};
  for (const auto& file : weight_files(find_weights(settings.network, "model"))) files.push_back(file);
  return {network->config.features, compute.device.is_meta() ? "" : hash_of_files(files, settings.network),
          [network](const Image& image) {
            check_size(image, network->config.image_size);
            return from_images(std::span(&image, 1));
          },
          [network](const Tensor& prepared, std::span<const std::string>) {
            return to_rows(features(*network, prepared));
          }};
}

}  // namespace fewstep
