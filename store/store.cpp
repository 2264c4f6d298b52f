#include "store/store.h"

#include "core/files.h"
#include "core/names.h"
#include "store/database.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace fewstep {
namespace {

constexpr std::array kCellStates{CellState::kPlanned, CellState::kRunning, CellState::kComplete, CellState::kIncomplete,
                                 CellState::kFailed};
constexpr std::array<std::string_view, 4> kFinalRunStates{"complete", "failed", "interrupted", "incomplete"};

std::int64_t last_id(SQLite::Database& database) { return database.getLastInsertRowid(); }

// The identity of a series. Names that only label it are left out, so that a renamed checkpoint keeps its samples.
std::string identity_of(const SeriesKey& key) {
  const nlohmann::json identity = {{"checkpoint_sha256", key.checkpoint_sha256},
                                   {"checkpoint_kind", key.checkpoint_kind},
                                   {"sampler", key.sampler},
                                   {"spacing", key.spacing},
                                   {"final_sigma", key.final_sigma},
                                   {"steps", key.steps},
                                   {"original_inference_steps", key.original_inference_steps},
                                   {"omega", key.omega},
                                   {"negative_prompt", key.negative_prompt},
                                   {"seed", key.seed},
                                   {"prompt_source", key.prompt_source},
                                   {"height", key.height},
                                   {"width", key.width},
                                   {"dtype", key.dtype},
                                   {"device_kind", key.device_kind}};
  try {
    return sha256(identity.dump());
  } catch (const nlohmann::json::exception&) {
    throw input_error("series", "expected UTF-8 in the checkpoint's name and the negative prompt, got other bytes");
  }
}

std::optional<std::int64_t> find_hashed(Store::Impl& store, const std::string& table, const std::string& json) {
  return guarded(store.path, [&]() -> std::optional<std::int64_t> {
    SQLite::Statement select(store.database, "SELECT id FROM " + table + " WHERE hash = ?");
    select.bind(1, sha256(json));
    if (!select.executeStep()) return std::nullopt;
    return integer_at(store.path, select, 0);
  });
}

std::int64_t add_hashed(Store::Impl& store, const std::string& table, const std::string& json) {
  if (const auto known = find_hashed(store, table, json)) return *known;
  return guarded(store.path, [&] {
    SQLite::Statement insert(store.database, "INSERT INTO " + table + " (hash, json) VALUES (?, ?)");
    insert.bind(1, sha256(json));
    insert.bind(2, json);
    insert.exec();
    return last_id(store.database);
  });
}

std::optional<std::int64_t> find_checkpoint(Store::Impl& store, const std::string& sha) {
  SQLite::Statement select(store.database, "SELECT id FROM checkpoint WHERE sha256 = ?");
  select.bind(1, sha);
  if (select.executeStep()) return integer_at(store.path, select, 0);
  return std::nullopt;
}

std::int64_t insert_checkpoint(Store::Impl& store, const std::string& sha, const std::string& name,
                               const std::string& path, const std::string& kind) {
  SQLite::Statement insert(store.database, "INSERT INTO checkpoint (sha256, name, path, kind) VALUES (?, ?, ?, ?)");
  insert.bind(1, sha);
  insert.bind(2, name);
  insert.bind(3, path);
  insert.bind(4, kind);
  insert.exec();
  return last_id(store.database);
}

std::int64_t insert_series(Store::Impl& store, const SeriesKey& key, const std::string& identity) {
  const auto checkpoint = find_checkpoint(store, key.checkpoint_sha256);
  SQLite::Statement insert(store.database,
                           "INSERT INTO series (identity, checkpoint_id, sampler, spacing, final_sigma, steps, "
                           "original_inference_steps, omega, negative_prompt, seed, prompt_source, height, width, "
                           "dtype, device_kind) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(1, identity);
  insert.bind(2, checkpoint
                     ? *checkpoint
                     : insert_checkpoint(store, key.checkpoint_sha256, key.checkpoint_name, "", key.checkpoint_kind));
  insert.bind(3, key.sampler);
  insert.bind(4, key.spacing);
  insert.bind(5, key.final_sigma);
  insert.bind(6, key.steps);
  insert.bind(7, key.original_inference_steps);
  insert.bind(8, key.omega);
  insert.bind(9, key.negative_prompt);
  insert.bind(10, std::bit_cast<std::int64_t>(key.seed));
  insert.bind(11, key.prompt_source);
  insert.bind(12, key.height);
  insert.bind(13, key.width);
  insert.bind(14, key.dtype);
  insert.bind(15, key.device_kind);
  insert.exec();
  return last_id(store.database);
}

void add_prompt(Store::Impl& store, SQLite::Statement& select, SQLite::Statement& insert, const std::string& source,
                std::int64_t row, const std::string& text) {
  select.reset();
  select.bind(1, source);
  select.bind(2, row);
  if (select.executeStep()) {
    if (text_at(store.path, select, 0) == text) return;
    throw input_error(store.path.string(),
                      "expected the stored caption for row " + std::to_string(row) + " of caption source " + source +
                          ", got another text; a caption file with other text needs another source or another --store");
  }
  insert.reset();
  insert.bind(1, source);
  insert.bind(2, row);
  insert.bind(3, text);
  insert.exec();
}

}  // namespace

std::string_view name_of(CellState state) {
  switch (state) {
    case CellState::kPlanned:
      return "planned";
    case CellState::kRunning:
      return "running";
    case CellState::kComplete:
      return "complete";
    case CellState::kIncomplete:
      return "incomplete";
    case CellState::kFailed:
      return "failed";
  }
  return "";
}

std::optional<CellState> parse_cell_state(std::string_view name) {
  for (const CellState state : kCellStates)
    if (name_of(state) == name) return state;
  return std::nullopt;
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;

Store Store::open(const std::filesystem::path& path, Mode mode) { return Store(std::make_unique<Impl>(path, mode)); }

std::int64_t Store::add_checkpoint(const std::string& sha256, const std::string& name, const std::string& path,
                                   const std::string& kind) {
  return guarded(impl_->path, [&] {
    const auto known = find_checkpoint(*impl_, sha256);
    if (!known) return insert_checkpoint(*impl_, sha256, name, path, kind);
    SQLite::Statement update(impl_->database, "UPDATE checkpoint SET name = ?, path = ?, kind = ? WHERE id = ?");
    update.bind(1, name);
    update.bind(2, path);
    update.bind(3, kind);
    update.bind(4, *known);
    update.exec();
    return *known;
  });
}

std::int64_t Store::add_environment(const std::string& json) { return add_hashed(*impl_, "environment", json); }
std::optional<std::int64_t> Store::find_environment(const std::string& json) {
  return find_hashed(*impl_, "environment", json);
}
std::int64_t Store::add_config(const std::string& json) { return add_hashed(*impl_, "config", json); }

std::int64_t Store::add_series(const SeriesKey& key) {
  const std::string identity = identity_of(key);
  return guarded(impl_->path, [&] {
    SQLite::Transaction transaction(impl_->database, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement select(impl_->database, "SELECT id FROM series WHERE identity = ?");
    select.bind(1, identity);
    const std::int64_t id =
        select.executeStep() ? integer_at(impl_->path, select, 0) : insert_series(*impl_, key, identity);
    select.reset();
    transaction.commit();
    impl_->labels[id] = {key.checkpoint_name, key.given_as_guidance_scale};
    return id;
  });
}

std::optional<std::int64_t> Store::find_series(const SeriesKey& key) {
  return guarded(impl_->path, [&]() -> std::optional<std::int64_t> {
    SQLite::Statement select(impl_->database, "SELECT id FROM series WHERE identity = ?");
    select.bind(1, identity_of(key));
    if (!select.executeStep()) return std::nullopt;
    return integer_at(impl_->path, select, 0);
  });
}

std::optional<std::int64_t> Store::find_metric(const MetricKey& key) {
  return guarded(impl_->path, [&]() -> std::optional<std::int64_t> {
    SQLite::Statement select(
        impl_->database, "SELECT id FROM metric WHERE name = ? AND protocol = ? AND model_hash = ? AND version = ?");
    select.bind(1, key.name);
    select.bind(2, key.protocol);
    select.bind(3, key.model_hash);
    select.bind(4, key.version);
    if (!select.executeStep()) return std::nullopt;
    return integer_at(impl_->path, select, 0);
  });
}

std::int64_t Store::add_metric(const MetricKey& key) {
  if (const auto known = find_metric(key)) return *known;
  return guarded(impl_->path, [&] {
    SQLite::Statement insert(impl_->database,
                             "INSERT INTO metric (name, protocol, model_hash, version, higher_is_better) "
                             "VALUES (?, ?, ?, ?, ?)");
    insert.bind(1, key.name);
    insert.bind(2, key.protocol);
    insert.bind(3, key.model_hash);
    insert.bind(4, key.version);
    insert.bind(5, key.higher_is_better ? 1 : 0);
    insert.exec();
    return last_id(impl_->database);
  });
}

void Store::add_prompts(const std::string& source, std::span<const std::int64_t> rows,
                        std::span<const std::string> texts) {
  if (rows.size() != texts.size())
    throw input_error("add_prompts", "expected a text for every row, got " + std::to_string(texts.size()) + " for " +
                                         std::to_string(rows.size()));
  guarded(impl_->path, [&] {
    SQLite::Transaction transaction(impl_->database, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement select(impl_->database, "SELECT text FROM prompt WHERE source = ? AND row = ?");
    SQLite::Statement insert(impl_->database, "INSERT INTO prompt (source, row, text) VALUES (?, ?, ?)");
    for (std::size_t i = 0; i < rows.size(); ++i) add_prompt(*impl_, select, insert, source, rows[i], texts[i]);
    select.reset();
    transaction.commit();
  });
}

std::int64_t Store::begin_run(std::int64_t config_id, std::int64_t environment_id, const std::string& experiment_name) {
  return guarded(impl_->path, [&] {
    SQLite::Transaction transaction(impl_->database, SQLite::TransactionBehavior::IMMEDIATE);
    // We hold the writer's lock: whatever still says "running" was killed.
    impl_->database.exec(
        "UPDATE run_cell SET state = 'incomplete' WHERE state = 'running' AND "
        "run_id IN (SELECT id FROM run WHERE state = 'running');"
        "UPDATE run SET state = 'interrupted' WHERE state = 'running'");
    SQLite::Statement insert(impl_->database,
                             "INSERT INTO run (config_id, environment_id, experiment, state, version, started) "
                             "VALUES (?, ?, ?, 'running', ?, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))");
    insert.bind(1, config_id);
    insert.bind(2, environment_id);
    insert.bind(3, experiment_name);
    insert.bind(4, FEWSTEP_VERSION);
    insert.exec();
    const std::int64_t id = last_id(impl_->database);
    transaction.commit();
    return id;
  });
}

void Store::end_run(std::int64_t run_id, const std::string& state) {
  if (std::find(kFinalRunStates.begin(), kFinalRunStates.end(), state) == kFinalRunStates.end())
    throw input_error("end_run", unknown_name(state, kFinalRunStates));
  guarded(impl_->path, [&] {
    SQLite::Statement update(impl_->database,
                             "UPDATE run SET state = ?, ended = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE id = ?");
    update.bind(1, state);
    update.bind(2, run_id);
    if (update.exec() != 1) throw input_error("end_run", "expected a run that began, got " + std::to_string(run_id));
  });
}

void Store::set_cell(std::int64_t run_id, std::int64_t series_id, int position, CellState state,
                     std::int64_t expected_images, const std::string& message) {
  guarded(impl_->path, [&] {
    const auto label = impl_->labels.find(series_id);
    if (label == impl_->labels.end()) throw input_error("set_cell", "expected a series from add_series, got another");
    SQLite::Statement upsert(impl_->database,
                             "INSERT INTO run_cell (run_id, position, series_id, checkpoint_name, "
                             "given_as_guidance_scale, state, expected_images, message) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
                             "ON CONFLICT (run_id, position) DO UPDATE SET state = excluded.state, "
                             "expected_images = excluded.expected_images, message = excluded.message "
                             "WHERE series_id = excluded.series_id");
    upsert.bind(1, run_id);
    upsert.bind(2, position);
    upsert.bind(3, series_id);
    upsert.bind(4, label->second.checkpoint_name);
    upsert.bind(5, label->second.given_as_guidance_scale ? 1 : 0);
    upsert.bind(6, std::string(name_of(state)));
    upsert.bind(7, expected_images);
    upsert.bind(8, message);
    if (upsert.exec() != 1)
      throw input_error("set_cell",
                        "expected one series for each position, got a second for " + std::to_string(position));
  });
}

void Store::add_score(std::int64_t run_id, std::int64_t series_id, std::int64_t metric_id,
                      const std::string& reference_hash, const Score& score) {
  guarded(impl_->path, [&] {
    SQLite::Statement insert(impl_->database,
                             "INSERT OR REPLACE INTO score (run_id, series_id, metric_id, reference_hash, value, "
                             "standard_error, images, flags) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    const auto bind_number = [&](int index, double number) {
      if (std::isfinite(number)) insert.bind(index, number);  // else NULL
    };
    insert.bind(1, run_id);
    insert.bind(2, series_id);
    insert.bind(3, metric_id);
    insert.bind(4, reference_hash);
    bind_number(5, score.value);
    bind_number(6, score.standard_error);
    insert.bind(7, score.count);
    insert.bind(8, nlohmann::json(score.flags).dump());
    insert.exec();
  });
}

void Store::add_timings(std::int64_t run_id, std::int64_t series_id, std::span<const TimingRow> rows) {
  guarded(impl_->path, [&] {
    SQLite::Transaction transaction(impl_->database, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement insert(impl_->database,
                             "INSERT INTO timing_sample (run_id, series_id, process, batch, stage, repetition, ms) "
                             "VALUES (?, ?, ?, ?, ?, ?, ?)");
    for (const TimingRow& row : rows) {
      insert.reset();
      insert.bind(1, run_id);
      insert.bind(2, series_id);
      insert.bind(3, row.process);
      insert.bind(4, row.batch);
      insert.bind(5, row.stage);
      insert.bind(6, row.repetition);
      insert.bind(7, row.ms);
      insert.exec();
    }
    transaction.commit();
  });
}

}  // namespace fewstep
