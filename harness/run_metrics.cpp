#include "harness/run_metrics.h"

#include "core/error.h"

namespace fewstep {
namespace {

constexpr int kReferenceBatch = 16;

MetricKey key_of(const OpenMetric& open) {
  return {std::string(open.metric->name), open.settings.protocol, open.measure.model_hash, open.metric->version,
          open.metric->higher_is_better};
}

Reference reference_for(const Experiment& experiment, const OpenMetric& metric, const std::filesystem::path& cache,
                        std::ostream& messages) {
  if (experiment.reference_statistics)
    return reference_from_file(*experiment.reference_statistics, metric, experiment.assume_protocol);
  if (experiment.reference_shapes)
    return reference_from_shapes(*experiment.reference_shapes, metric, cache, kReferenceBatch, messages);
  return reference_from_folder(*experiment.reference_images, metric, cache, kReferenceBatch,
                               experiment.reference_max_left_out, messages);
}

}  // namespace

RunMetrics::RunMetrics(const Experiment& experiment, const Compute& compute) {
  for (const MetricSettings& given : experiment.metrics) metrics_.push_back(open_metric(given, compute));
  references_.resize(metrics_.size());
}

void RunMetrics::read_references(const Experiment& experiment, const std::filesystem::path& cache,
                                 std::ostream& messages) {
  for (std::size_t m = 0; m < metrics_.size(); ++m) {
    if (!metrics_[m].metric->needs_reference) continue;
    references_[m] = reference_for(experiment, metrics_[m], cache, messages);
  }
}

void RunMetrics::add_to(Store& store) {
  ids_.clear();
  for (const OpenMetric& open : metrics_) ids_.push_back(store.add_metric(key_of(open)));
}

std::optional<std::vector<std::int64_t>> RunMetrics::find_in(Store& store) const {
  std::vector<std::int64_t> ids;
  for (const OpenMetric& open : metrics_) {
    const auto id = store.find_metric(key_of(open));
    if (!id) return std::nullopt;
    ids.push_back(*id);
  }
  return ids;
}

std::int64_t RunMetrics::feature_bytes() const {
  std::int64_t bytes = 0;
  for (const OpenMetric& open : metrics_)
    if (open.measure.width > 1) bytes += open.measure.width * static_cast<std::int64_t>(sizeof(float));
  return bytes;
}

std::vector<MetricRows> RunMetrics::measure(std::span<const Image> images, std::span<const std::string> prompts) const {
  std::vector<MetricRows> all;
  for (std::size_t m = 0; m < metrics_.size(); ++m) {
    all.push_back({ids_[m], metrics_[m].measure.width, metrics_[m].measure.rows(images, prompts)});
  }
  return all;
}

void RunMetrics::score(Store& store, std::int64_t run_id, std::int64_t series_id, const Plan& plan) const {
  for (std::size_t m = 0; m < metrics_.size(); ++m) {
    const Store::Rows rows = store.rows(series_id, ids_[m], plan.rows, plan.images_per_prompt);
    if (static_cast<std::int64_t>(rows.prompt_rows.size()) != plan.images_per_cell()) {
      throw input_error("score", "expected stored rows of " + std::to_string(plan.images_per_cell()) + " images, got " +
                                     std::to_string(rows.prompt_rows.size()));
    }
    const std::optional<Reference>& reference = references_[m];
    Score score = metrics_[m].metric->aggregate(metrics_[m].settings.protocol, rows.values, rows.width,
                                                rows.prompt_rows, reference ? &reference->gaussian : nullptr);
    if (reference) score.flags.insert(score.flags.end(), reference->flags.begin(), reference->flags.end());
    store.add_score(run_id, series_id, ids_[m], reference ? reference->hash : "", score);
  }
}

}  // namespace fewstep
