#include "metrics/reference.h"

#include "core/error.h"
#include "core/files.h"
#include "core/warnings.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace fewstep {

Reference reference_from_file(const std::filesystem::path& npz, const OpenMetric& metric, bool assume_protocol) {
  ReferenceFile file = metric.metric->reference->read(npz);
  const std::string where = npz.string(), protocol = metric.settings.protocol;
  Reference reference;
  if (file.protocol.empty()) {
    if (!assume_protocol) {
      throw input_error(where,
                        "expected statistics that name their protocol, got none; --assume-protocol (in an "
                        "experiment: assume_protocol = true) takes them as " +
                            protocol);
    }
    reference.flags.push_back(FlagKind::kAssumedProtocol);
  } else if (without_precision(file.protocol) != without_precision(protocol)) {
    throw input_error(where, "expected statistics of protocol " + protocol + ", got " + file.protocol);
  }
  const bool known = !metric.measure.model_hash.empty();  // not of a network that is only checked
  if (known && !file.network.empty() && file.network != metric.measure.model_hash) {
    throw input_error(where, "expected statistics of the network " + metric.measure.model_hash.substr(0, 16) +
                                 "…, got " + file.network.substr(0, 16) + "…; give the same weights to both");
  }
  reference.data = std::move(file.data);
  reference.hash = sha256_file(npz);
  return reference;
}

std::vector<ReferenceData> fit_images(std::span<const OpenMetric* const> metrics, const ImageBatches& batches) {
  std::vector<std::any> gathered(metrics.size());
  batches([&](std::span<const Image> images) {
    for (std::size_t m = 0; m < metrics.size(); ++m)
      metrics[m]->metric->reference->add(gathered[m], metrics[m]->measure.rows(images, {}), metrics[m]->measure.width);
  });
  std::vector<ReferenceData> fitted;
  for (std::size_t m = 0; m < metrics.size(); ++m) fitted.push_back(metrics[m]->metric->reference->fit(gathered[m]));
  return fitted;
}

namespace {

// Nothing where it is not there or damaged.
std::optional<ReferenceData> kept_reference(const ReferenceKind& kind, const std::filesystem::path& file) {
  std::error_code ignored;
  if (file.empty() || !std::filesystem::exists(file, ignored)) return {};
  try {
    return kind.read(file).data;
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

Reference reference_from_batches(const std::string& hash, const OpenMetric& metric, const std::filesystem::path& cache,
                                 const ImageBatches& batches) {
  const ReferenceKind& kind = *metric.metric->reference;
  const std::string key = sha256(fmt::format("{}\n{}\n{}\n{}\n{}", hash, metric.metric->rows_of, metric.metric->version,
                                             metric.settings.protocol, metric.measure.model_hash));
  const std::filesystem::path file = cache.empty() ? cache : cache / (key + ".npz");
  if (auto kept = kept_reference(kind, file)) return {std::move(*kept), hash, {}};
  const OpenMetric* const metrics[] = {&metric};
  ReferenceData data = fit_images(metrics, batches)[0];
  if (file.empty()) return {std::move(data), hash, {}};
  try {
    make_folders(cache);
    kind.write(file, {data, metric.settings.protocol, metric.measure.model_hash});
  } catch (const Error& error) {
    warn("reference", "its statistics are not kept for the next command: " + std::string(error.what()));
  }
  return {std::move(data), hash, {}};
}

}  // namespace fewstep
