#include "harness/score/run_metrics.h"

#include "core/error.h"
#include "store/influence.h"

#include <ATen/ops/cat.h>

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace fewstep {
namespace {

constexpr int kReferenceBatch = 16;

MetricKey key_of(const OpenMetric& open, std::string_view name) {
  return {std::string(name), open.settings.protocol, open.measure.model_hash, find_metric(name).version,
          open.metric->higher_is_better};
}
MetricKey key_of(const OpenMetric& open) { return key_of(open, open.metric->name); }
MetricKey key_of_rows(const OpenMetric& open) { return key_of(open, open.metric->rows_of); }

Reference reference_for(const Experiment& experiment, const OpenMetric& metric, const std::filesystem::path& cache,
                        KnownFolders known, std::ostream& messages) {
  if (experiment.reference_statistics)
    return reference_from_file(*experiment.reference_statistics, metric, experiment.assume_protocol);
  if (experiment.reference_shapes)
    return reference_from_shapes(*experiment.reference_shapes, metric, cache, kReferenceBatch, messages);
  return reference_from_folder(*experiment.reference_images, metric, cache, kReferenceBatch,
                               experiment.reference_max_left_out, known, messages);
}

// What each number adds to their mean.
std::vector<double> deviations_of(std::span<const float> values) {
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  std::vector<double> deviations;
  for (const float value : values) deviations.push_back(value - mean);
  return deviations;
}

}  // namespace

MetricIds add_metrics(Store& store, std::span<const OpenMetric> metrics) {
  MetricIds ids;
  for (const OpenMetric& metric : metrics) {
    ids.scores.push_back(store.add_metric(key_of(metric)));
    ids.rows.push_back(store.add_metric(key_of_rows(metric)));
  }
  return ids;
}

namespace {

ScoreWithInfluence aggregate(const OpenMetric& metric, const Store::Rows& rows,
                             const std::optional<Reference>& reference) {
  return metric.metric->aggregate(metric.settings.protocol, rows.values, rows.width, rows.prompt_rows,
                                  reference ? &reference->data : nullptr);
}

void expect_rows(const Store::Rows& rows, std::int64_t images) {
  if (static_cast<std::int64_t>(rows.prompt_rows.size()) == images) return;
  throw input_error("score", fmt::format("expected stored rows of {} images, got {}", images, rows.prompt_rows.size()));
}

}  // namespace

Score add_score(Store& store, const ScorePlace& place, const OpenMetric& metric, const Store::Rows& rows,
                const std::optional<Reference>& reference, const std::function<void(Score&)>& note) {
  auto [score, influence] = aggregate(metric, rows, reference);
  if (rows.recomputed > 0) score.flags.emplace_back(FlagKind::kRecomputed, rows.recomputed);
  if (rows.in_parts > 0) score.flags.emplace_back(FlagKind::kBatchInParts, rows.in_parts);
  if (note) note(score);
  if (reference) score.flags.insert(score.flags.end(), reference->flags.begin(), reference->flags.end());
  const std::string reference_hash = reference ? reference->hash : "";
  store.add_score(place.run, place.series, place.metric, reference_hash, score);
  if (influence.of_image.empty() && rows.width == 1) influence.of_image = deviations_of(rows.values);
  if (!influence.of_image.empty())
    set_influence(store, place.run, place.series, place.metric, reference_hash, rows.prompt_rows, influence);
  return score;
}

RunMetrics::RunMetrics(const Experiment& experiment, const Compute& compute)
    : metrics_(open_metrics(experiment.metrics, compute)),
      sources_(row_sources(metrics_)),
      references_(metrics_.size()) {
  ids_.rows.resize(metrics_.size());
}

void RunMetrics::read_references(const Experiment& experiment, const std::filesystem::path& cache, KnownFolders known,
                                 std::ostream& messages) {
  for (std::size_t m = 0; m < metrics_.size(); ++m) {
    if (!metrics_[m].metric->needs_reference) continue;
    references_[m] = reference_for(experiment, metrics_[m], cache, known, messages);
  }
}

void RunMetrics::add_to(Store& store) { ids_ = add_metrics(store, metrics_); }

std::optional<std::vector<std::int64_t>> RunMetrics::find_in(Store& store) const {
  std::vector<std::int64_t> ids;
  for (const OpenMetric& open : metrics_) {
    const auto id = store.find_metric_like(key_of_rows(open));
    if (!id) return std::nullopt;
    ids.push_back(*id);
  }
  return ids;
}

std::int64_t RunMetrics::feature_bytes() const {
  std::int64_t bytes = 0;
  for (std::size_t m = 0; m < metrics_.size(); ++m) {
    const OpenMetric& open = metrics_[m];
    if (sources_[m] == m && open.measure.width > 1)
      bytes += open.measure.width * static_cast<std::int64_t>(sizeof(float));
  }
  return bytes;
}

std::vector<Tensor> RunMetrics::prepare(const Image& image) const {
  std::vector<Tensor> prepared;
  for (std::size_t m = 0; m < metrics_.size(); ++m)
    if (sources_[m] == m) prepared.push_back(metrics_[m].measure.prepare(image));
  return prepared;
}

std::vector<MetricRows> RunMetrics::measure(std::span<const std::vector<Tensor>> prepared,
                                            std::span<const std::string> prompts) const {
  std::vector<MetricRows> all;
  for (std::size_t m = 0; m < metrics_.size(); ++m) {
    if (sources_[m] != m) continue;
    std::vector<Tensor> batch;
    for (const std::vector<Tensor>& image : prepared) batch.push_back(image[all.size()]);
    all.push_back({ids_.rows[m], metrics_[m].measure.width, metrics_[m].measure.run(at::cat(batch), prompts)});
  }
  return all;
}

void RunMetrics::add_floors(const Experiment& experiment, Store& store, std::int64_t run_id, std::int64_t images,
                            std::ostream& messages) const {
  for (std::size_t m = 0; experiment.floor && m < metrics_.size(); ++m) {
    const OpenMetric& metric = metrics_[m];
    if (!references_[m] || metric.metric->rows_of != metric.metric->name) continue;
    std::optional<Score> floor = store.find_floor(ids_.scores[m], references_[m]->hash, images);
    if (!floor) {
      floor = experiment.reference_shapes
                  ? floor_of_shapes(*experiment.reference_shapes, metric, references_[m]->data, images, kReferenceBatch,
                                    messages)
                  : floor_of_folder(*experiment.reference_images, metric, images, kReferenceBatch,
                                    experiment.reference_max_left_out, messages);
    }
    store.set_floor(run_id, ids_.scores[m], references_[m]->hash, *floor);
  }
}

std::vector<RunMetrics::Recomputed> RunMetrics::recompute(Store& store, const StoredCell& cell,
                                                          std::span<const std::int64_t> prompt_rows) const {
  std::vector<Recomputed> all;
  // A run over fewer captions counts the first of those that are stored.
  const auto wanted = static_cast<std::size_t>(cell.expected_images / std::max(1, cell.images_per_prompt));
  prompt_rows = prompt_rows.first(std::min(wanted, prompt_rows.size()));
  for (std::size_t m = 0; m < metrics_.size(); ++m) {
    const auto id = store.find_metric(key_of_rows(metrics_[m]));
    if (!id)
      throw input_error("audit", "expected rows of " + metrics_[m].settings.name +
                                     " by the network of the experiment, "
                                     "found none; another network measured them");
    const Store::Rows rows = store.rows(cell.series_id, *id, prompt_rows, cell.images_per_prompt);
    expect_rows(rows, cell.expected_images);
    Recomputed one{metrics_[m].settings.name, aggregate(metrics_[m], rows, references_[m]).score, {}};
    const MetricKey key = key_of(metrics_[m]);
    for (const StoredScore& stored : cell.scores)
      if (stored.metric.name == key.name && stored.metric.protocol == key.protocol &&
          stored.metric.model_hash == key.model_hash && stored.metric.version == key.version)
        one.stored = stored.score;
    all.push_back(std::move(one));
  }
  return all;
}

void RunMetrics::score(Store& store, std::int64_t run_id, std::int64_t series_id, const Plan& plan) const {
  for (std::size_t m = 0; m < metrics_.size(); ++m) {
    const Store::Rows rows = store.rows(series_id, ids_.rows[m], plan.rows, plan.images_per_prompt);
    expect_rows(rows, plan.images_per_cell());
    add_score(store, {run_id, series_id, ids_.scores[m]}, metrics_[m], rows, references_[m]);
  }
}

}  // namespace fewstep
