#include "store/influence.h"

#include "core/files.h"
#include "metrics/clustered_error.h"
#include "store/database.h"
#include "store/prompt_hash.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>

namespace fewstep {
namespace {

static_assert(std::endian::native == std::endian::little, "influences are stored as the machine has them");

std::vector<std::int64_t> distinct(std::vector<std::int64_t> rising) {
  rising.erase(std::unique(rising.begin(), rising.end()), rising.end());
  return rising;
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

// The hash over the prompts of these rows of the series' captions.
std::string hash_of(Store& store, std::int64_t series_id, const std::vector<std::int64_t>& rows) {
  auto& impl = store.impl();
  SQLite::Statement select(impl.database,
                           "SELECT text FROM prompt WHERE source = (SELECT prompt_source FROM series WHERE id = ?) "
                           "AND row = ?");
  PromptHash hash;
  for (const std::int64_t row : rows) {
    bind_all(select, series_id, row);
    if (select.executeStep()) hash.add(row, text_at(impl.path, select, 0));
  }
  return hash.text();
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
  return UnitInfluence{false, hash_of(store, cell.series_id, distinct(rows.prompts)),
                       means_of_units(rows.values, rows.prompts)};
}

// A row of sample_metric an image, as version 3 has it.
std::optional<UnitInfluence> of_version_3(Store& store, const StoredCell& cell, const StoredScore& score) {
  constexpr std::array<std::string_view, 2> kKinds{":influence", ":leave-group-out"};
  for (const bool groups : {false, true}) {
    MetricKey key = score.metric;
    key.name += kKinds[groups ? 1 : 0];
    key.model_hash = sha256(score.metric.model_hash + "\n" + score.reference_hash);
    const auto metric = store.find_metric(key);
    if (!metric) continue;
    const ImageValues rows = read_values(store, cell.series_id, *metric, 1'000'000'000);
    if (rows.values.empty()) continue;
    if (static_cast<std::int64_t>(rows.values.size()) != score.score.count) return {};
    const auto units = groups ? jackknife_groups(rows.prompts) : rows.prompts;
    return UnitInfluence{groups, hash_of(store, cell.series_id, distinct(rows.prompts)),
                         means_of_units(rows.values, units)};
  }
  return deviations(store, cell, score);
}

std::optional<UnitInfluence> of_score(Store& store, const StoredCell& cell, const StoredScore& score) {
  auto& impl = store.impl();
  if (impl.version < 4 || score.id == 0 || cell.digest.prompts_sha256.empty()) return {};
  SQLite::Statement select(impl.database, "SELECT influence_of_groups, influence FROM score WHERE id = ?");
  bind_all(select, score.id);
  if (!select.executeStep() || select.getColumn(1).isNull()) return {};
  const auto bytes = select.getColumn(1);
  const auto size = static_cast<std::size_t>(bytes.getBytes());
  const bool whole = bytes.isBlob() && size > 0 && size % sizeof(double) == 0 &&
                     static_cast<std::int64_t>(size / sizeof(double)) <= score.score.count;
  UnitInfluence influence{integer_at(impl.path, select, 0) != 0, cell.digest.prompts_sha256,
                          std::vector<double>(whole ? size / sizeof(double) : 0)};
  if (whole) std::memcpy(influence.of_unit.data(), bytes.getBlob(), size);
  const bool sane = whole && std::all_of(influence.of_unit.begin(), influence.of_unit.end(),
                                         [](double value) { return std::isfinite(value); });
  if (!sane)
    throw input_error(impl.path.string(),
                      "expected finite influences of a score's images, got other bytes; the store "
                      "is damaged");
  return influence;
}

}  // namespace

void set_influence(Store& store, std::int64_t run_id, std::int64_t series_id, std::int64_t metric_id,
                   const std::string& reference_hash, std::span<const std::int64_t> prompt_rows,
                   const Influence& influence) {
  const bool groups = influence.leave_group_out;
  const std::vector<std::int64_t> prompts(prompt_rows.begin(), prompt_rows.end());
  const auto values = means_of_units(influence.of_image, groups ? jackknife_groups(prompts) : prompts);
  auto& impl = store.impl();
  guarded(impl.path, [&] {
    SQLite::Statement update(impl.database,
                             "UPDATE score SET influence_of_groups = ?, influence = ? WHERE run_id = ? AND "
                             "series_id = ? AND metric_id = ? AND reference_hash = ?");
    bind_all(update, groups ? 1 : 0, std::optional<double>(), run_id, series_id, metric_id, reference_hash);
    update.bind(2, values.data(), static_cast<int>(values.size() * sizeof(double)));
    if (update.exec() != 1) throw input_error("set_influence", "expected a score that was added, found none");
  });
}

std::optional<UnitInfluence> read_influence(Store& store, const StoredCell& cell, const StoredScore& score) {
  return guarded(store.impl().path, [&]() -> std::optional<UnitInfluence> {
    auto influence = of_score(store, cell, score);
    return influence ? influence : of_version_3(store, cell, score);
  });
}

std::string prompts_hash(Store& store, const StoredCell& cell) {
  if (!cell.digest.prompts_sha256.empty()) return cell.digest.prompts_sha256;
  auto& impl = store.impl();
  return guarded(impl.path, [&] {
    SQLite::Statement select(impl.database,
                             "SELECT prompt.row FROM sample JOIN prompt ON prompt.id = prompt_id WHERE series_id = ? "
                             "AND image_index = 0 ORDER BY prompt.row");
    bind_all(select, cell.series_id);
    std::vector<std::int64_t> rows;
    while (select.executeStep()) rows.push_back(integer_at(impl.path, select, 0));
    const auto wanted = static_cast<std::size_t>(cell.expected_images / std::max(1, cell.images_per_prompt));
    if (rows.size() > wanted) rows.resize(wanted);
    return hash_of(store, cell.series_id, rows);
  });
}

std::optional<Difference> paired_difference(const StoredScore& a, const UnitInfluence& of_a, const StoredScore& b,
                                            const UnitInfluence& of_b) {
  if (of_a.groups != of_b.groups || of_a.prompts_sha256 != of_b.prompts_sha256 ||
      of_a.of_unit.size() != of_b.of_unit.size() || of_a.of_unit.size() < 2)
    return {};
  std::vector<double> differences = of_a.of_unit;
  for (std::size_t i = 0; i < differences.size(); ++i) differences[i] -= of_b.of_unit[i];
  return Difference{a.score.value - b.score.value, standard_error_of_mean(differences), std::ssize(differences)};
}

}  // namespace fewstep
