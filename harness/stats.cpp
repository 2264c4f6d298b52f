#include "harness/stats.h"

#include "core/error.h"
#include "harness/image_batches.h"
#include "images/files.h"
#include "images/resize.h"
#include "metrics/statistics_file.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <ostream>

namespace fewstep {

void check(const StatsRequest& request) {
  if (request.crop != "none" && request.crop != "center")
    throw usage_error("--crop", "expected none or center, got " + request.crop);
  if (request.resolution < 0 || request.resolution > 16384)
    throw usage_error("--resolution", "expected 1 to 16384, got " + std::to_string(request.resolution));
  if (request.output.extension() != ".npz")
    throw usage_error("--output", "expected a file name ending in .npz, got \"" + request.output.string() + "\"");
  // Now, not after an hour of work.
  const auto folder = request.output.has_parent_path() ? request.output.parent_path() : std::filesystem::path(".");
  if (!std::filesystem::is_directory(folder))
    throw usage_error("--output", "expected an existing folder, got " + folder.string() + "; create it first");
}

MetricSettings metric_settings(const StatsRequest& request) {
  if (!request.feature_net.empty()) {
    if (!request.inception.empty())
      throw usage_error("--feature-net", "expected the network of one metric, got --inception too");
    return resolve({.name = "fd-pocket", .protocol = request.protocol, .weights = {}, .model = request.feature_net});
  }
  return resolve({.name = "fid", .protocol = request.protocol, .weights = request.inception, .model = {}});
}

Image prepare(const StatsRequest& request, const Image& image) {
  const int side = std::min(image.height, image.width);
  Image square = request.crop == "center" ? center_crop(image, side, side) : image;
  const int size = request.resolution;
  if (size == 0 || (square.height == size && square.width == size)) return square;
  return resize_pil(square, size, size, PilFilter::kLanczos);
}

void write_stats(const StatsRequest& request, const OpenMetric& metric, std::ostream& out, std::ostream& messages) {
  FeatureStatistics moments;
  const auto skipped = for_each_image_batch(
      list_images(request.images), {request.batch, request.skip_broken}, messages, [&](auto images, auto) {
        std::vector<Image> prepared;
        for (const Image& image : images) prepared.push_back(prepare(request, image));
        const Tensor rows = metric.measure.rows(prepared, {}).contiguous();
        accumulate(moments, {rows.const_data_ptr<float>(), static_cast<std::size_t>(rows.numel())},
                   metric.measure.width);
      });
  write_statistics(request.output, {fit(moments), metric.settings.protocol, metric.measure.model_hash});
  out << request.output.string() << ": " << moments.count << " images, protocol " << metric.settings.protocol << ", "
      << metric.measure.width << " features"
      << (skipped ? ", " + std::to_string(skipped) + " broken images skipped" : "") << "\n";
}

void run_stats(const StatsRequest& request, std::ostream& out, std::ostream& messages) {
  check(request);
  const MetricSettings settings = metric_settings(request);
  const Compute compute{parse_device(request.device), at::kFloat};
  const c10::InferenceMode inference;
  const Metric& metric = find_metric(settings.name);
  write_stats(request, {&metric, settings, metric.open(settings, compute)}, out, messages);
}

}  // namespace fewstep
