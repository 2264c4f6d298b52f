#include "store/influence.h"

#include "core/files.h"
#include "metrics/clustered_error.h"
#include "store/database.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace fewstep {
namespace {

constexpr std::array<std::string_view, 2> kKinds{":influence", ":leave-group-out"};

MetricKey influence_key(const MetricKey& metric, const std::string& reference_hash, bool leave_group_out) {
  MetricKey key = metric;
  key.name += kKinds[leave_group_out ? 1 : 0];
  key.model_hash = sha256(metric.model_hash + "\n" + reference_hash);
  return key;
}

struct ImageValues {
  std::vector<std::int64_t> prompts;  // of each image
  std::vector<double> values;
};

// The values of a metric with one number an image, by prompt and image index; of at most per_prompt images each.
ImageValues read_values(Store& store, std::int64_t series_id, std::int64_t metric_id, std::int64_t per_prompt) {
  auto& impl = store.impl();
  SQLite::Statement select(impl.database,
                           "SELECT prompt.row, m.value FROM sample JOIN prompt ON prompt.id = sample.prompt_id "
                           "JOIN sample_metric m ON m.sample_id = sample.id AND m.metric_id = ? "
                           "WHERE sample.series_id = ? AND sample.image_index < ? "
                           "ORDER BY prompt.row, sample.image_index");
  bind_all(select, metric_id, series_id, per_prompt);
  ImageValues rows;
  while (select.executeStep()) {
    rows.prompts.push_back(integer_at(impl.path, select, 0));
    rows.values.push_back(real_at(impl.path, select, 1));
  }
  return rows;
}

std::vector<std::int64_t> distinct(std::vector<std::int64_t> rising) {
  rising.erase(std::unique(rising.begin(), rising.end()), rising.end());
  return rising;
}

// The metric's own rows, where they are one number an image. The images that a score counts are the first ones of the
// caption source: a later run may have made more.
std::optional<UnitInfluence> deviations(Store& store, const StoredCell& cell, const StoredScore& score) {
  const auto metric = store.find_metric(score.metric);
  if (!metric || cell.images_per_prompt < 1) return {};
  ImageValues rows = read_values(store, cell.series_id, *metric, cell.images_per_prompt);
  const auto count = static_cast<std::size_t>(score.score.count);
  if (rows.values.size() < count || count == 0) return {};
  rows.prompts.resize(count);
  rows.values.resize(count);
  const double mean = std::accumulate(rows.values.begin(), rows.values.end(), 0.0) / static_cast<double>(count);
  // These rows are those of the score, or the store has others: a clamped score is its own judge.
  const bool clamped = !score.score.flags.empty();
  if (!clamped && std::abs(mean - score.score.value) > 1e-6 * std::max(1.0, std::abs(mean))) return {};
  for (double& value : rows.values) value -= mean;
  return UnitInfluence{false, distinct(rows.prompts), means_of_units(rows.values, rows.prompts)};
}

}  // namespace

void replace_influence(Store& store, std::int64_t series_id, const MetricKey& metric, const std::string& reference_hash,
                       std::span<const std::int64_t> prompt_rows, const Influence& influence) {
  auto& impl = store.impl();
  guarded(impl.path, [&] {
    const bool groups = influence.leave_group_out;
    const auto id = store.add_metric(influence_key(metric, reference_hash, groups));
    SQLite::Transaction transaction(impl.database, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement clear(impl.database,
                            "DELETE FROM sample_metric WHERE metric_id = ? AND sample_id IN "
                            "(SELECT id FROM sample WHERE series_id = ?)");
    for (const bool kind : {false, true}) {
      const auto old = store.find_metric(influence_key(metric, reference_hash, kind));
      if (!old) continue;
      bind_all(clear, *old, series_id);
      clear.exec();
    }
    SQLite::Statement insert(impl.database,
                             "INSERT INTO sample_metric (sample_id, metric_id, value) SELECT sample.id, ?, ? "
                             "FROM sample JOIN series ON series.id = sample.series_id JOIN prompt ON prompt.id = "
                             "sample.prompt_id AND prompt.source = series.prompt_source "
                             "WHERE sample.series_id = ? AND prompt.row = ? AND sample.image_index = ?");
    std::int64_t index = 0;
    for (std::size_t i = 0; i < influence.of_image.size(); ++i) {
      index = i > 0 && prompt_rows[i] == prompt_rows[i - 1] ? index + 1 : 0;
      bind_all(insert, id, influence.of_image[i], series_id, prompt_rows[i], index);
      insert.exec();
    }
    transaction.commit();
  });
}

std::optional<UnitInfluence> read_influence(Store& store, const StoredCell& cell, const StoredScore& score) {
  return guarded(store.impl().path, [&]() -> std::optional<UnitInfluence> {
    for (const bool groups : {false, true}) {
      const auto metric = store.find_metric(influence_key(score.metric, score.reference_hash, groups));
      if (!metric) continue;
      const ImageValues rows = read_values(store, cell.series_id, *metric, 1'000'000'000);
      if (rows.values.empty()) continue;
      if (static_cast<std::int64_t>(rows.values.size()) != score.score.count) return {};
      const auto units = groups ? jackknife_groups(rows.prompts) : rows.prompts;
      return UnitInfluence{groups, distinct(rows.prompts), means_of_units(rows.values, units)};
    }
    return deviations(store, cell, score);
  });
}

std::optional<Difference> paired_difference(const StoredScore& a, const UnitInfluence& of_a, const StoredScore& b,
                                            const UnitInfluence& of_b) {
  if (of_a.groups != of_b.groups || of_a.prompts != of_b.prompts || of_a.of_unit.size() < 2) return {};
  std::vector<double> differences = of_a.of_unit;
  for (std::size_t i = 0; i < differences.size(); ++i) differences[i] -= of_b.of_unit[i];
  return Difference{a.score.value - b.score.value, standard_error_of_mean(differences)};
}

}  // namespace fewstep
