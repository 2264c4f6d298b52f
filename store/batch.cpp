#include "store/database.h"

#include "core/fault_point.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

namespace fewstep {
namespace {

void check_batch(std::span<const SampleRow> samples, std::span<const MetricRows> metrics) {
  for (const SampleRow& sample : samples) {
    const std::filesystem::path path = sample.image_path;
    const bool escapes = path.is_absolute() || std::find(path.begin(), path.end(), "..") != path.end();
    if (escapes) {
      throw input_error("add_batch",
                        "expected an image path below the store's folder, got \"" + sample.image_path + "\"");
    }
  }
  for (const MetricRows& metric : metrics) {
    const auto expected = static_cast<std::int64_t>(samples.size()) * metric.width;
    if (metric.width < 1 || static_cast<std::int64_t>(metric.values.size()) != expected) {
      throw input_error("add_batch", fmt::format("expected {} values of metric {}, got {}", expected, metric.metric_id,
                                                 metric.values.size()));
    }
    const auto broken =
        std::find_if_not(metric.values.begin(), metric.values.end(), [](float value) { return std::isfinite(value); });
    if (broken == metric.values.end()) continue;
    const SampleRow& sample = samples[static_cast<std::size_t>((broken - metric.values.begin()) / metric.width)];
    throw input_error("add_batch",
                      fmt::format("expected finite values of every metric, got {} for prompt row {} image {}", *broken,
                                  sample.prompt_row, sample.image_index));
  }
}

// The open transaction of one batch.
class Batch {
 public:
  Batch(Store::Impl& store, std::int64_t run_id, std::int64_t series_id)
      : store_(store), run_id_(run_id), series_id_(series_id) {}

  // The id of the row, new or already there.
  std::int64_t add_sample(const SampleRow& sample) {
    const std::int64_t prompt = prompt_id(sample.prompt_row);
    bind_all(select_, series_id_, prompt, sample.image_index);
    if (select_.executeStep()) {
      if (!sample.regenerated) check_same(sample);
      return integer_at(store_.path, select_, 0);
    }
    bind_all(insert_, series_id_, prompt, sample.image_index, std::bit_cast<std::int64_t>(sample.seed), run_id_,
             sample.forwards, sample.image_sha256, sample.image_path);
    if (!sample.fingerprint.empty())
      insert_.bind(9, sample.fingerprint.data(), static_cast<int>(sample.fingerprint.size()));
    if (sample.latents) insert_.bind(10, std::bit_cast<std::int64_t>(*sample.latents));
    if (sample.trips) insert_.bind(11, static_cast<std::int64_t>(*sample.trips));
    if (sample.together) insert_.bind(12, *sample.together);
    insert_.exec();
    return store_.database.getLastInsertRowid();
  }

  void add_values(std::span<const std::int64_t> ids, std::span<const SampleRow> samples, const MetricRows& metric) {
    SQLite::Statement insert(store_.database,
                             "INSERT INTO sample_metric (sample_id, metric_id, value, recomputed) VALUES (?, ?, ?, ?) "
                             "ON CONFLICT DO NOTHING");
    for (std::size_t i = 0; i < ids.size(); ++i) {
      bind_all(insert, ids[i], metric.metric_id, static_cast<double>(metric.values[i]), samples[i].regenerated ? 1 : 0);
      insert.exec();
    }
  }

  // An image whose features are stored keeps them, unless their file is gone.
  void add_features(std::span<const std::int64_t> ids, std::span<const SampleRow> samples, const MetricRows& metric) {
    const std::vector<bool> stored = which_are_stored(ids, metric.metric_id);
    if (std::all_of(stored.begin(), stored.end(), [](bool one) { return one; })) return;
    const std::string hash = write_features(store_.path, metric.values, metric.width);
    const std::int64_t block = block_id(hash, static_cast<std::int64_t>(ids.size()), metric.width);
    SQLite::Statement insert(store_.database,
                             "INSERT OR REPLACE INTO sample_feature (sample_id, metric_id, block_id, row, recomputed) "
                             "VALUES (?, ?, ?, ?, ?)");
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (stored[i]) continue;
      bind_all(insert, ids[i], metric.metric_id, block, static_cast<std::int64_t>(i), samples[i].regenerated ? 1 : 0);
      insert.exec();
    }
  }

 private:
  std::int64_t prompt_id(std::int64_t row) {
    bind_all(prompt_, series_id_, row);
    if (prompt_.executeStep()) return integer_at(store_.path, prompt_, 0);
    throw input_error("add_batch", fmt::format("expected captions added by add_prompts, got none for row {}", row));
  }

  void check_same(const SampleRow& sample) {
    const std::string image = text_at(store_.path, select_, 1);
    const auto seed = std::bit_cast<std::uint64_t>(integer_at(store_.path, select_, 2));
    if (image == sample.image_sha256 && seed == sample.seed) return;
    const std::string place = fmt::format("prompt row {} image {}", sample.prompt_row, sample.image_index);
    const auto text = [](const std::string& hash, std::uint64_t of_stream) {
      return fmt::format("{}… (seed {})", hash.substr(0, 12), of_stream);
    };
    throw input_error(store_.path.string(), "expected the stored image " + text(image, seed) + " for " + place +
                                                ", got " + text(sample.image_sha256, sample.seed) +
                                                "; another program or machine made it: use another --store");
  }

  std::vector<bool> which_are_stored(std::span<const std::int64_t> ids, std::int64_t metric_id) {
    SQLite::Statement select(store_.database,
                             "SELECT hash FROM sample_feature JOIN feature_block ON feature_block.id = block_id "
                             "WHERE sample_id = ? AND metric_id = ?");
    std::vector<bool> stored;
    for (const std::int64_t id : ids) {
      bind_all(select, id, metric_id);
      stored.push_back(select.executeStep() && has_features(store_.path, text_at(store_.path, select, 0)));
    }
    return stored;
  }

  std::int64_t block_id(const std::string& hash, std::int64_t rows, std::int64_t width) {
    SQLite::Statement select(store_.database, "SELECT id FROM feature_block WHERE hash = ?");
    bind_all(select, hash);
    if (select.executeStep()) return integer_at(store_.path, select, 0);
    SQLite::Statement insert(store_.database, "INSERT INTO feature_block (hash, rows, width) VALUES (?, ?, ?)");
    bind_all(insert, hash, rows, width);
    insert.exec();
    return store_.database.getLastInsertRowid();
  }

  Store::Impl& store_;
  std::int64_t run_id_, series_id_;
  SQLite::Statement prompt_{store_.database,
                            "SELECT id FROM prompt WHERE source = (SELECT prompt_source FROM series WHERE id = ?) "
                            "AND row = ?"};
  SQLite::Statement select_{store_.database,
                            "SELECT id, image_sha256, seed FROM sample "
                            "WHERE series_id = ? AND prompt_id = ? AND image_index = ?"};
  SQLite::Statement insert_{store_.database,
                            "INSERT INTO sample (series_id, prompt_id, image_index, seed, run_id, forwards, "
                            "image_sha256, image_path, fingerprint, latents, tripped, together) "
                            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
};

struct StoredRow {
  std::int64_t prompt_row = 0, image_index = 0;
  double value = 0;                 // width 1
  std::int64_t block = 0, row = 0;  // more: a row of a feature block
  bool recomputed = false, in_parts = false;
  auto key() const { return std::pair(prompt_row, image_index); }
};

std::vector<StoredRow> select_rows(Store::Impl& store, const std::string& query, std::int64_t series_id,
                                   std::int64_t metric_id, const std::unordered_set<std::int64_t>& wanted,
                                   int images_per_prompt) {
  SQLite::Statement select(store.database, query);
  bind_all(select, metric_id, series_id, images_per_prompt);
  std::vector<StoredRow> rows;
  while (select.executeStep()) {
    StoredRow row{integer_at(store.path, select, 0), integer_at(store.path, select, 1)};
    if (!wanted.contains(row.prompt_row)) continue;
    row.recomputed = integer_at(store.path, select, 2) != 0;
    row.in_parts = integer_at(store.path, select, 3) != 0;
    if (select.getColumnCount() == 5) {
      row.value = real_at(store.path, select, 4);
    } else {
      row.block = integer_at(store.path, select, 4);
      row.row = integer_at(store.path, select, 5);
    }
    rows.push_back(row);
  }
  std::sort(rows.begin(), rows.end(), [](const StoredRow& a, const StoredRow& b) { return a.key() < b.key(); });
  return rows;
}

struct Block {
  std::int64_t rows = 0, width = 0;
  std::string hash;
};

Block find_block(Store::Impl& store, std::int64_t id) {
  SQLite::Statement select(store.database, "SELECT rows, width, hash FROM feature_block WHERE id = ?");
  bind_all(select, id);
  if (!select.executeStep())
    throw input_error(store.path.string(), fmt::format("expected feature block {}, found none", id));
  return {integer_at(store.path, select, 0), integer_at(store.path, select, 1), text_at(store.path, select, 2)};
}

// Copies each stored row to its place in values [N,width]; a block is read once.
void gather(Store::Impl& store, const std::vector<StoredRow>& stored, Store::Rows& result) {
  std::unordered_map<std::int64_t, std::vector<std::size_t>> places;
  for (std::size_t i = 0; i < stored.size(); ++i) places[stored[i].block].push_back(i);
  result.width = find_block(store, stored.front().block).width;
  if (result.width < 1) throw input_error(store.path.string(), "expected a feature width of 1 or more");
  const auto width = static_cast<std::size_t>(result.width);
  for (const auto& [id, indices] : places) {
    const Block block = find_block(store, id);
    const auto values = read_features(store.path, block.hash, block.rows, block.width);
    if (block.width != result.width) throw input_error(store.path.string(), "expected features of one width, got two");
    if (result.values.empty()) result.values.resize(stored.size() * width);
    for (const std::size_t i : indices) {
      if (stored[i].row < 0 || stored[i].row >= block.rows)
        throw input_error(store.path.string(), "expected rows inside their feature block, got one outside");
      std::copy_n(values.begin() + stored[i].row * block.width, block.width,
                  result.values.begin() + static_cast<std::ptrdiff_t>(i * width));
    }
  }
}

// The ids of a series' feature blocks whose files are gone, joined by commas.
std::string lost_blocks(Store::Impl& store, std::int64_t series_id) {
  SQLite::Statement select(store.database,
                           "SELECT id, hash FROM feature_block WHERE id IN (SELECT block_id FROM sample_feature "
                           "JOIN sample ON sample.id = sample_id WHERE series_id = ?)");
  bind_all(select, series_id);
  std::string ids;
  while (select.executeStep()) {
    if (has_features(store.path, text_at(store.path, select, 1))) continue;
    ids += fmt::format("{}{}", (ids.empty() ? "" : ", "), integer_at(store.path, select, 0));
  }
  return ids;
}

}  // namespace

void Store::set_image_path(std::int64_t series_id, std::int64_t prompt_row, int image_index,
                           const std::string& image_path) {
  guarded(impl_->path, [&] {
    SQLite::Statement update(
        impl_->database,
        "UPDATE sample SET image_path = ? WHERE series_id = ? AND image_index = ? AND prompt_id = "
        "(SELECT id FROM prompt WHERE row = ? AND source = (SELECT prompt_source FROM series WHERE "
        "id = ?))");
    bind_all(update, image_path, series_id, image_index, prompt_row, series_id);
    if (update.exec() != 1) throw input_error("set_image_path", "expected a sample that is stored, found none");
  });
}

std::vector<std::pair<std::int64_t, int>> Store::finished(std::int64_t series_id,
                                                          std::span<const std::int64_t> metric_ids) {
  return guarded(impl_->path, [&] {
    const std::string lost = lost_blocks(*impl_, series_id);
    std::string query =
        "SELECT prompt.row, sample.image_index FROM sample JOIN prompt ON prompt.id = sample.prompt_id "
        "WHERE sample.series_id = ?";
    for (const std::int64_t id : metric_ids) {
      const std::string row = fmt::format(" WHERE sample_id = sample.id AND metric_id = {}", id);
      query += " AND (EXISTS (SELECT 1 FROM sample_metric" + row + ") OR EXISTS (SELECT 1 FROM sample_feature" + row +
               " AND block_id NOT IN (" + lost + ")))";
    }
    SQLite::Statement select(impl_->database, query);
    bind_all(select, series_id);
    std::vector<std::pair<std::int64_t, int>> keys;
    while (select.executeStep())
      keys.emplace_back(integer_at(impl_->path, select, 0), static_cast<int>(integer_at(impl_->path, select, 1)));
    std::sort(keys.begin(), keys.end());
    return keys;
  });
}

std::optional<StoredImage> Store::find_image(std::int64_t series_id, std::int64_t prompt_row, int image_index) {
  return guarded(impl_->path, [&]() -> std::optional<StoredImage> {
    SQLite::Statement select(impl_->database,
                             "SELECT sample.seed, image_sha256, image_path, fingerprint FROM sample "
                             "JOIN series ON series.id = series_id JOIN prompt ON prompt.source = prompt_source "
                             "AND prompt.id = prompt_id WHERE series_id = ? AND prompt.row = ? AND image_index = ?");
    bind_all(select, series_id, prompt_row, image_index);
    if (!select.executeStep()) return std::nullopt;
    StoredImage image{std::bit_cast<std::uint64_t>(integer_at(impl_->path, select, 0)), text_at(impl_->path, select, 1),
                      text_at(impl_->path, select, 2), ""};
    const auto fingerprint = select.getColumn(3);
    if (fingerprint.isBlob())
      image.fingerprint.assign(static_cast<const char*>(fingerprint.getBlob()),
                               static_cast<std::size_t>(fingerprint.getBytes()));
    return image;
  });
}

std::vector<float> Store::row_of(std::int64_t series_id, std::int64_t metric_id, std::int64_t prompt_row,
                                 int image_index) {
  constexpr const char* kOf =
      " JOIN sample ON sample.id = m.sample_id JOIN series ON series.id = sample.series_id "
      "JOIN prompt ON prompt.id = sample.prompt_id AND prompt.source = series.prompt_source "
      "WHERE m.metric_id = ? AND sample.series_id = ? AND prompt.row = ? AND sample.image_index = ?";
  return guarded(impl_->path, [&]() -> std::vector<float> {
    SQLite::Statement value(impl_->database, std::string("SELECT m.value FROM sample_metric m") + kOf);
    bind_all(value, metric_id, series_id, prompt_row, image_index);
    if (value.executeStep()) return {static_cast<float>(real_at(impl_->path, value, 0))};
    SQLite::Statement feature(impl_->database, std::string("SELECT m.block_id, m.row FROM sample_feature m") + kOf);
    bind_all(feature, metric_id, series_id, prompt_row, image_index);
    if (!feature.executeStep()) return {};
    Rows found;
    StoredRow row;
    row.block = integer_at(impl_->path, feature, 0);
    row.row = integer_at(impl_->path, feature, 1);
    if (!has_features(impl_->path, find_block(*impl_, row.block).hash)) return {};
    gather(*impl_, {row}, found);
    return found.values;
  });
}

void Store::add_batch(std::int64_t run_id, std::int64_t series_id, std::span<const SampleRow> samples,
                      std::span<const MetricRows> metrics) {
  check_batch(samples, metrics);
  guarded(impl_->path, [&] {
    SQLite::Transaction transaction(impl_->database, SQLite::TransactionBehavior::IMMEDIATE);
    {
      Batch batch(*impl_, run_id, series_id);
      std::vector<std::int64_t> ids;
      for (const SampleRow& sample : samples) ids.push_back(batch.add_sample(sample));
      for (const MetricRows& metric : metrics) {
        if (metric.width == 1) {
          batch.add_values(ids, samples, metric);
        } else {
          batch.add_features(ids, samples, metric);
        }
      }
      fault_point("features written");
    }
    note_write(*impl_, run_id);
    fault_point("before commit");
    transaction.commit();
    fault_point("after commit");
  });
}

Store::Rows Store::rows(std::int64_t series_id, std::int64_t metric_id, std::span<const std::int64_t> prompt_rows,
                        int images_per_prompt) {
  const std::string recomputed = impl_->version < 3 ? "0" : "m.recomputed";
  const std::string in_parts = impl_->version < 5 ? "0" : "sample.together IS NOT NULL";
  const auto query = [&](const char* values, const char* table) {
    return "SELECT prompt.row, sample.image_index, " + recomputed + ", " + in_parts + ", " + values +
           " FROM sample JOIN prompt ON prompt.id = sample.prompt_id JOIN " + table +
           " m ON m.sample_id = sample.id AND m.metric_id = ? WHERE sample.series_id = ? AND sample.image_index < ?";
  };
  return guarded(impl_->path, [&] {
    const std::unordered_set<std::int64_t> wanted(prompt_rows.begin(), prompt_rows.end());
    auto stored = select_rows(*impl_, query("m.block_id, m.row", "sample_feature"), series_id, metric_id, wanted,
                              images_per_prompt);
    Rows result;
    if (!stored.empty()) {
      gather(*impl_, stored, result);
    } else {
      stored = select_rows(*impl_, query("m.value", "sample_metric"), series_id, metric_id, wanted, images_per_prompt);
      for (const StoredRow& row : stored) result.values.push_back(static_cast<float>(row.value));
    }
    for (const StoredRow& row : stored) {
      result.prompt_rows.push_back(row.prompt_row);
      result.recomputed += row.recomputed;
      result.in_parts += row.in_parts;
    }
    return result;
  });
}

}  // namespace fewstep
