#include "harness/score/stats.h"

#include "core/device.h"
#include "core/error.h"
#include "harness/score/image_batches.h"
#include "images/files.h"
#include "images/resize.h"
#include "metrics/reference.h"
#include "metrics/statistics_file.h"
#include "settings/weights.h"

#include <c10/core/InferenceMode.h>

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

namespace fewstep {

void check(const StatsRequest& request) {
  if (request.crop != "none" && request.crop != "center")
    throw usage_error("--crop", "expected none or center, got " + request.crop);
  if (request.resolution < 0 || request.resolution > 16384)
    throw usage_error("--resolution", fmt::format("expected 1 to 16384, got {}", request.resolution));
  if (request.output.extension() != ".npz")
    throw usage_error("--output", "expected a file name ending in .npz, got \"" + request.output.string() + "\"");
  // Now, not after an hour of work.
  const auto folder = request.output.has_parent_path() ? request.output.parent_path() : std::filesystem::path(".");
  if (!std::filesystem::is_directory(folder))
    throw usage_error("--output", "expected an existing folder, got " + folder.string() + "; create it first");
}

MetricSettings metric_settings(const StatsRequest& request) {
  if (request.networks.size() > 1) {
    const auto option = [](const auto& given) { return find_metric(given.first).network.option; };
    throw usage_error(option(*request.networks.begin()), "expected the network of one metric, got " +
                                                             std::string(option(*request.networks.rbegin())) + " too");
  }
  if (request.networks.empty())
    return resolve({kMetrics[0].name.data(), request.protocol,
                    network_or_refusal(std::string(kMetrics[0].name), kMetrics[0].network, {})});
  const auto& [metric, network] = *request.networks.begin();
  return resolve({metric, request.protocol, network});
}

Image prepare(const StatsRequest& request, const Image& image) {
  const int side = std::min(image.height, image.width);
  Image square = request.crop == "center" ? center_crop(image, side, side) : image;
  const int size = request.resolution;
  if (size == 0 || (square.height == size && square.width == size)) return square;
  return resize_pil(square, size, size, PilFilter::kLanczos);
}

void write_stats(const StatsRequest& request, const OpenMetric& metric, std::ostream& out, std::ostream& messages) {
  const ImageList list = list_images(request.images, image_rule(metric));
  messages << metric.settings.protocol << ": " << text_of(list, request.images) << std::endl;
  std::int64_t skipped = 0;
  const OpenMetric* const metrics[] = {&metric};
  const ReferenceData reference = fit_images(metrics, [&](const auto& use) {
    skipped = for_each_image_batch(list.files, {request.batch, request.max_left_out}, messages, [&](auto images, auto) {
      std::vector<Image> prepared;
      for (const Image& image : images) prepared.push_back(prepare(request, image));
      use(prepared);
    });
  })[0];
  const ReferenceKind& kind = *metric.metric->reference;
  kind.write(request.output, {reference, metric.settings.protocol, metric.measure.model_hash});
  out << request.output.string() << ": " << kind.count(reference) << " images, protocol " << metric.settings.protocol
      << ", " << metric.measure.width << " features"
      << (skipped ? fmt::format(", {} broken images skipped", skipped) : "") << "\n";
}

void run_stats(const StatsRequest& request, std::ostream& out, std::ostream& messages) {
  check(request);
  const Compute compute{parse_device(request.device), at::kFloat};
  const auto settings = in_precision({metric_settings(request)}, request.metric_precision, compute.device)[0];
  const c10::InferenceMode inference;
  write_stats(request, open_metric(settings, compute), out, messages);
}

}  // namespace fewstep
