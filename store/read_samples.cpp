#include "store/read_samples.h"

#include "store/database.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>
#include <utility>

namespace fewstep {
namespace {

StoredPrompt read_prompt(Store::Impl& store, std::int64_t id) {
  SQLite::Statement select(store.database, "SELECT row, text FROM prompt WHERE id = ?");
  bind_all(select, id);
  if (!select.executeStep())
    throw input_error(store.path.string(), "expected the prompt of a sample, found none; the store is damaged");
  return {id, integer_at(store.path, select, 0), text_at(store.path, select, 1)};
}

// (value, prompt id) of every prompt, by value.
std::vector<std::pair<double, std::int64_t>> prompt_values(Store::Impl& store, std::int64_t series_id,
                                                           std::int64_t metric_id) {
  SQLite::Statement select(store.database,
                           "SELECT s.prompt_id, avg(m.value) FROM sample s JOIN sample_metric m ON m.sample_id = s.id "
                           "WHERE s.series_id = ? AND m.metric_id = ? GROUP BY s.prompt_id");
  bind_all(select, series_id, metric_id);
  std::vector<std::pair<double, std::int64_t>> values;
  while (select.executeStep()) values.emplace_back(real_at(store.path, select, 1), integer_at(store.path, select, 0));
  std::sort(values.begin(), values.end());
  return values;
}

// Hands over id, row and text of each prompt that a series has images of, by row.
template <class Use>
void for_each_prompt(Store& store, std::int64_t series_id, const Use& use) {
  auto& impl = store.impl();
  guarded(impl.path, [&] {
    SQLite::Statement select(impl.database,
                             "SELECT prompt.id, prompt.row, text FROM sample JOIN prompt ON prompt.id = prompt_id "
                             "WHERE series_id = ? AND image_index = 0 ORDER BY prompt.row");
    bind_all(select, series_id);
    while (select.executeStep()) use(select);
  });
}

}  // namespace

std::vector<StoredPrompt> prompts_with_images(Store& store, std::span<const std::int64_t> series_ids,
                                              std::int64_t limit) {
  auto& impl = store.impl();
  return guarded(impl.path, [&] {
    // Each series is one walk along an index; a join over all of them would sort every sample.
    SQLite::Statement select(impl.database,
                             "SELECT prompt_id FROM sample WHERE series_id = ? AND image_index = 0 AND "
                             "image_path <> '' ORDER BY prompt_id");
    std::map<std::int64_t, std::int64_t> series_of_prompt;
    for (const std::int64_t id : series_ids) {
      bind_all(select, id);
      while (select.executeStep()) ++series_of_prompt[integer_at(impl.path, select, 0)];
    }
    std::vector<std::pair<std::int64_t, std::int64_t>> order;  // (−count, id)
    for (const auto& [id, count] : series_of_prompt) order.emplace_back(-count, id);
    const auto wanted = std::min(static_cast<std::size_t>(std::max<std::int64_t>(limit, 0)), order.size());
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(wanted), order.end());
    std::vector<StoredPrompt> prompts;
    for (std::size_t i = 0; i < wanted; ++i) prompts.push_back(read_prompt(impl, order[i].second));
    return prompts;
  });
}

std::optional<StoredSample> first_sample(Store& store, std::int64_t series_id, std::int64_t prompt_id) {
  auto& impl = store.impl();
  return guarded(impl.path, [&]() -> std::optional<StoredSample> {
    SQLite::Statement select(impl.database,
                             "SELECT image_sha256, image_path FROM sample WHERE series_id = ? AND prompt_id = ? "
                             "ORDER BY image_index, seed LIMIT 1");
    bind_all(select, series_id, prompt_id);
    if (!select.executeStep()) return std::nullopt;
    return StoredSample{text_at(impl.path, select, 0), text_at(impl.path, select, 1)};
  });
}

bool has_numbers(Store& store, std::int64_t series_id, const MetricKey& metric) {
  auto& impl = store.impl();
  return guarded(impl.path, [&] {
    const auto metric_id = store.find_metric(metric);
    if (!metric_id) return false;
    SQLite::Statement select(impl.database,
                             "SELECT EXISTS (SELECT 1 FROM sample_metric WHERE metric_id = ? AND sample_id = "
                             "(SELECT id FROM sample WHERE series_id = ? LIMIT 1))");
    bind_all(select, *metric_id, series_id);
    return select.executeStep() && select.getColumn(0).getInt() == 1;
  });
}

void for_each_image(Store& store, std::int64_t series_id, std::span<const MetricKey> metrics,
                    const std::function<void(StoredImageRow&& image)>& use) {
  auto& impl = store.impl();
  guarded(impl.path, [&] {
    std::string query = "SELECT prompt.row, image_index, sample.seed, forwards, text, image_sha256, image_path";
    for (const MetricKey& metric : metrics) {
      const auto id = store.find_metric(metric);
      query += fmt::format(", (SELECT value FROM sample_metric WHERE sample_id = sample.id AND metric_id = {})",
                           id ? *id : -1);
    }
    SQLite::Statement select(impl.database, query +
                                                " FROM sample JOIN prompt ON prompt.id = prompt_id WHERE series_id = ? "
                                                "ORDER BY prompt.row, image_index");
    bind_all(select, series_id);
    while (select.executeStep()) {
      StoredImageRow row;
      row.prompt_row = integer_at(impl.path, select, 0);
      row.image_index = integer_at(impl.path, select, 1);
      row.seed = std::bit_cast<std::uint64_t>(integer_at(impl.path, select, 2));
      row.forwards = integer_at(impl.path, select, 3);
      row.text = text_at(impl.path, select, 4);
      row.image_sha256 = text_at(impl.path, select, 5);
      row.image_path = text_at(impl.path, select, 6);
      for (int i = 0; i < static_cast<int>(metrics.size()); ++i)
        row.values.push_back(select.getColumn(7 + i).isNull() ? std::nullopt
                                                              : std::optional(real_at(impl.path, select, 7 + i)));
      use(std::move(row));
    }
  });
}

std::vector<KeptImage> kept_images(Store& store) {
  auto& impl = store.impl();
  return guarded(impl.path, [&] {
    std::vector<KeptImage> images;
    SQLite::Statement select(
        impl.database,
        "SELECT sample.image_path, prompt.text, prompt.row, printf('checkpoint=%s sampler=%s steps=%d "
        "omega=%.12g', checkpoint.name, sampler, steps, omega) "
        "FROM sample JOIN prompt ON prompt.id = prompt_id JOIN series ON series.id = series_id "
        "JOIN checkpoint ON checkpoint.id = checkpoint_id "
        "WHERE image_path <> '' ORDER BY series_id, prompt.row, image_index");
    while (select.executeStep())
      images.push_back({text_at(impl.path, select, 0), text_at(impl.path, select, 1), select.getColumn(2).getInt64(),
                        text_at(impl.path, select, 3)});
    return images;
  });
}

std::map<std::pair<std::int64_t, int>, Trips> tripped_images(Store& store, std::int64_t series_id) {
  auto& impl = store.impl();
  return guarded(impl.path, [&] {
    std::map<std::pair<std::int64_t, int>, Trips> images;
    if (impl.version < 4) return images;
    SQLite::Statement select(impl.database,
                             "SELECT prompt.row, image_index, tripped FROM sample JOIN prompt ON prompt.id = prompt_id "
                             "WHERE series_id = ? AND tripped <> 0");
    bind_all(select, series_id);
    while (select.executeStep())
      images[{integer_at(impl.path, select, 0), small_integer_at(impl.path, select, 1)}] =
          static_cast<Trips>(small_integer_at(impl.path, select, 2));
    return images;
  });
}

std::optional<StoredPrompt> find_prompt(Store& store, std::int64_t series_id, std::int64_t row) {
  auto& impl = store.impl();
  return guarded(impl.path, [&]() -> std::optional<StoredPrompt> {
    SQLite::Statement select(impl.database,
                             "SELECT prompt.id, text FROM prompt WHERE source = (SELECT prompt_source FROM series "
                             "WHERE id = ?) AND row = ?");
    bind_all(select, series_id, row);
    if (!select.executeStep()) return std::nullopt;
    return StoredPrompt{integer_at(impl.path, select, 0), row, text_at(impl.path, select, 1)};
  });
}

std::vector<std::int64_t> prompt_rows_of(Store& store, std::int64_t series_id) {
  std::vector<std::int64_t> rows;
  for_each_prompt(store, series_id, [&](auto& select) { rows.push_back(integer_at(store.impl().path, select, 1)); });
  return rows;
}

std::vector<StoredPrompt> prompts_of(Store& store, std::int64_t series_id) {
  const auto& path = store.impl().path;
  std::vector<StoredPrompt> prompts;
  for_each_prompt(store, series_id, [&](auto& select) {
    prompts.push_back({integer_at(path, select, 0), integer_at(path, select, 1), text_at(path, select, 2)});
  });
  return prompts;
}

std::optional<MadeIn> made_in(Store& store, std::int64_t series_id, std::int64_t prompt_row, int image_index) {
  auto& impl = store.impl();
  return guarded(impl.path, [&]() -> std::optional<MadeIn> {
    SQLite::Statement select(
        impl.database,
        "SELECT s.run_id, c.expected_images, s.together FROM sample s JOIN prompt p ON p.id = s.prompt_id "
        "JOIN run_cell c ON c.run_id = s.run_id AND c.series_id = s.series_id "
        "WHERE s.series_id = ? AND p.row = ? AND s.image_index = ?");
    bind_all(select, series_id, prompt_row, image_index);
    if (!select.executeStep()) return std::nullopt;
    MadeIn made{integer_at(impl.path, select, 0), integer_at(impl.path, select, 1)};
    if (!select.getColumn(2).isNull()) made.together = static_cast<int>(integer_at(impl.path, select, 2));
    return made;
  });
}

std::map<std::int64_t, double> prompt_scores(Store& store, std::int64_t series_id, const MetricKey& metric) {
  auto& impl = store.impl();
  return guarded(impl.path, [&] {
    std::map<std::int64_t, double> scores;
    const auto metric_id = store.find_metric(metric);
    if (!metric_id) return scores;
    SQLite::Statement select(
        impl.database,
        "SELECT p.row, avg(m.value) FROM sample s JOIN sample_metric m ON m.sample_id = s.id "
        "JOIN prompt p ON p.id = s.prompt_id WHERE s.series_id = ? AND m.metric_id = ? GROUP BY p.row");
    bind_all(select, series_id, *metric_id);
    while (select.executeStep()) scores[integer_at(impl.path, select, 0)] = real_at(impl.path, select, 1);
    return scores;
  });
}

PromptExtremes prompt_extremes(Store& store, std::int64_t series_id, const MetricKey& metric, std::int64_t count) {
  auto& impl = store.impl();
  return guarded(impl.path, [&] {
    PromptExtremes extremes;
    const auto metric_id = store.find_metric(metric);
    if (!metric_id) return extremes;
    auto values = prompt_values(impl, series_id, *metric_id);
    if (metric.higher_is_better) std::reverse(values.begin(), values.end());
    const auto total = static_cast<std::int64_t>(values.size());
    const auto prompt_at = [&](std::int64_t i) {
      const auto& [value, id] = values[static_cast<std::size_t>(i)];
      return PromptScore{read_prompt(impl, id), value};
    };
    const std::int64_t best = std::min(count, (total + 1) / 2), worst = std::min(count, total - best);
    for (std::int64_t i = 0; i < best; ++i) extremes.best.push_back(prompt_at(i));
    for (std::int64_t i = 0; i < worst; ++i) extremes.worst.push_back(prompt_at(total - 1 - i));
    return extremes;
  });
}

}  // namespace fewstep
