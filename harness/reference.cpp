#include "harness/reference.h"

#include "core/error.h"
#include "core/files.h"
#include "harness/image_batches.h"
#include "harness/progress.h"
#include "images/files.h"
#include "metrics/statistics_file.h"

#include <functional>
#include <ostream>
#include <span>
#include <utility>

namespace fewstep {
namespace {

using UseImages = std::function<void(std::span<const Image>)>;

// Statistics of the images that for_each_batch hands over, computed once: kept in cache under a name made of their
// hash, the protocol and the network.
Reference reference_of_images(const std::string& hash, const OpenMetric& metric, const std::filesystem::path& cache,
                              const std::function<void(const UseImages&)>& for_each_batch) {
  const std::string key =
      sha256(hash + "\n" + std::string(metric.metric->name) + "\n" + std::to_string(metric.metric->version) + "\n" +
             metric.settings.protocol + "\n" + metric.measure.model_hash);
  const std::filesystem::path file = cache / (key + ".npz");
  if (std::filesystem::exists(file)) return {read_statistics(file).gaussian, hash, {}};
  FeatureStatistics moments;
  for_each_batch([&](std::span<const Image> images) {
    const Tensor rows = metric.measure.rows(images, {}).contiguous();
    accumulate(moments, {rows.const_data_ptr<float>(), static_cast<std::size_t>(rows.numel())}, metric.measure.width);
  });
  const StatisticsFile statistics{fit(moments), metric.settings.protocol, metric.measure.model_hash};
  std::filesystem::create_directories(cache);
  write_statistics(file, statistics);
  return {statistics.gaussian, hash, {}};
}

}  // namespace

Reference reference_from_file(const std::filesystem::path& npz, const OpenMetric& metric, bool assume_protocol) {
  StatisticsFile file = read_statistics(npz);
  const std::string where = npz.string(), protocol = metric.settings.protocol;
  Reference reference;
  if (file.protocol.empty()) {
    if (!assume_protocol) {
      throw input_error(where,
                        "expected statistics that name their protocol, got none; --assume-protocol (in an "
                        "experiment: assume_protocol = true) takes them as " +
                            protocol);
    }
    reference.flags.push_back("assumed-protocol");
  } else if (file.protocol != protocol) {
    throw input_error(where, "expected statistics of protocol " + protocol + ", got " + file.protocol);
  }
  if (!file.network.empty() && file.network != metric.measure.model_hash) {
    throw input_error(where, "expected statistics of the network " + metric.measure.model_hash.substr(0, 16) +
                                 "…, got " + file.network.substr(0, 16) + "…; give the same weights to both");
  }
  reference.gaussian = std::move(file.gaussian);
  reference.hash = sha256_file(npz);
  return reference;
}

std::string hash_images(const std::filesystem::path& folder) {
  std::string lines;
  for (const auto& file : list_images(folder)) lines += sha256_file(file) + "  " + file.filename().string() + "\n";
  return sha256(lines);
}

Reference reference_from_folder(const std::filesystem::path& images, const OpenMetric& metric,
                                const std::filesystem::path& cache, int batch, std::ostream& messages) {
  return reference_of_images(hash_images(images), metric, cache, [&](const UseImages& use) {
    const auto files = list_images(images);
    messages << "reference: features of " << files.size() << " images of " << images.string() << std::endl;
    for_each_image_batch(files, {.batch = batch, .skip_broken = false}, messages,
                         [&](std::span<const Image> decoded, auto) { use(decoded); });
  });
}

Reference reference_from_shapes(const ReferenceShapes& shapes, const OpenMetric& metric,
                                const std::filesystem::path& cache, int batch, std::ostream& messages) {
  const auto [split, style] = shapes.scenes;
  const std::string hash = sha256(shapes_hash(split, style) + "\n" + std::to_string(shapes.first) + "\n" +
                                  std::to_string(shapes.count) + "\n" + std::to_string(kShapesImageSize));
  return reference_of_images(hash, metric, cache, [&](const UseImages& use) {
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
