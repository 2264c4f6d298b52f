#include "harness/reference.h"

#include "core/error.h"
#include "core/files.h"
#include "datasets/images.h"
#include "datasets/statistics_file.h"
#include "harness/image_batches.h"

#include <ostream>
#include <utility>

namespace fewstep {
namespace {

StatisticsFile compute(const std::vector<std::filesystem::path>& files, const OpenMetric& metric, int batch,
                       std::ostream& messages) {
  FeatureStatistics moments;
  for_each_image_batch(files, {.batch = batch, .skip_broken = false}, messages, [&](auto images, auto) {
    const Tensor rows = metric.measure.rows(images, {}).contiguous();
    accumulate(moments, {rows.const_data_ptr<float>(), static_cast<std::size_t>(rows.numel())}, metric.measure.width);
  });
  return {fit(moments), metric.settings.protocol, metric.measure.model_hash};
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
  Reference reference;
  reference.hash = hash_images(images);
  const std::string key =
      sha256(reference.hash + "\n" + std::string(metric.metric->name) + "\n" + std::to_string(metric.metric->version) +
             "\n" + metric.settings.protocol + "\n" + metric.measure.model_hash);
  const std::filesystem::path file = cache / (key + ".npz");
  if (std::filesystem::exists(file)) {
    reference.gaussian = read_statistics(file).gaussian;
    return reference;
  }
  const auto files = list_images(images);
  messages << "reference: features of " << files.size() << " images of " << images.string() << std::endl;
  StatisticsFile statistics = compute(files, metric, batch, messages);
  std::filesystem::create_directories(cache);
  write_statistics(file, statistics);
  reference.gaussian = std::move(statistics.gaussian);
  return reference;
}

}  // namespace fewstep
