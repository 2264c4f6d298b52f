// What a run writes beside its images: its cells, scores, timings, and what it was made from.
#include "core/names.h"
#include "store/database.h"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace fewstep {
namespace {

constexpr std::array<std::string_view, 4> kFinalRunStates{"complete", "failed", "interrupted", "incomplete"};

// What is not finite is stored as NULL.
std::optional<double> finite(double number) { return std::isfinite(number) ? std::optional(number) : std::nullopt; }

// What a run says in each table; facts name how it was called and how fast it was, too.
struct RowsOfRun {
  const char *table, *columns, *where;
};
constexpr std::array kRowsOfRun{
    RowsOfRun{"run_cell",
              "position, series_id, checkpoint_name, given_as_guidance_scale, state, expected_images, message, "
              "prompts_sha256, images_sha256, latents_sha256, tripped",
              ""},
    RowsOfRun{"score", "series_id, metric_id, reference_hash, value, standard_error, images, flags", ""},
    RowsOfRun{"floor_score", "metric_id, reference_hash, value, standard_error, images, flags", ""},
    RowsOfRun{"run_fact", "name, text", " AND name IN ('request', 'experiment', 'prompts', 'reference')"}};

bool say_the_same(SQLite::Database& database, std::int64_t a, std::int64_t b) {
  return std::ranges::all_of(kRowsOfRun, [&](const RowsOfRun& rows) {
    const auto lacks = [&](std::int64_t run, std::int64_t other) {
      const auto of = [&](std::int64_t id) {
        return fmt::format("SELECT {} FROM {} WHERE run_id = {}{}", rows.columns, rows.table, id, rows.where);
      };
      return database.execAndGet("SELECT EXISTS (" + of(run) + " EXCEPT " + of(other) + ")").getInt() != 0;
    };
    return !lacks(a, b) && !lacks(b, a);
  });
}

}  // namespace

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
    bind_all(insert, config_id, environment_id, experiment_name, FEWSTEP_VERSION);
    insert.exec();
    const std::int64_t id = impl_->database.getLastInsertRowid();
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
    bind_all(update, state, run_id);
    if (update.exec() != 1) throw input_error("end_run", fmt::format("expected a run that began, got {}", run_id));
  });
}

std::optional<std::int64_t> Store::drop_repeated_run(std::int64_t run_id) {
  return guarded(impl_->path, [&]() -> std::optional<std::int64_t> {
    SQLite::Database& database = impl_->database;
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement select(database,
                             "SELECT e.id FROM run e JOIN run r ON r.id = ? AND e.id < r.id AND e.config_id = "
                             "r.config_id AND e.environment_id = r.environment_id AND e.version = r.version "
                             "WHERE r.last_write IS NULL AND r.state = 'complete' AND e.state = 'complete' "
                             "ORDER BY e.id DESC LIMIT 1");
    bind_all(select, run_id);
    if (!select.executeStep()) return std::nullopt;
    const std::int64_t earlier = integer_at(impl_->path, select, 0);
    if (!say_the_same(database, run_id, earlier)) return std::nullopt;
    for (const RowsOfRun& rows : kRowsOfRun)
      database.exec(fmt::format("DELETE FROM {} WHERE run_id = {}", rows.table, run_id));
    database.exec(fmt::format("DELETE FROM run WHERE id = {}", run_id));
    transaction.commit();
    return earlier;
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
    bind_all(upsert, run_id, position, series_id, label->second.checkpoint_name,
             label->second.given_as_guidance_scale ? 1 : 0, std::string(name_of(state)), expected_images, message);
    if (upsert.exec() != 1)
      throw input_error("set_cell",
                        fmt::format("expected one series for each position, got a second for {}", position));
    if (state == CellState::kComplete) impl_->log->renew();
  });
}

void Store::add_score(std::int64_t run_id, std::int64_t series_id, std::int64_t metric_id,
                      const std::string& reference_hash, const Score& score) {
  guarded(impl_->path, [&] {
    SQLite::Statement insert(impl_->database,
                             "INSERT OR REPLACE INTO score (run_id, series_id, metric_id, reference_hash, value, "
                             "standard_error, images, flags) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    bind_all(insert, run_id, series_id, metric_id, reference_hash, finite(score.value), finite(score.standard_error),
             score.count, nlohmann::json(words_of(score.flags)).dump());
    insert.exec();
  });
}

void Store::set_fact(std::int64_t run_id, const std::string& name, const std::string& text) {
  guarded(impl_->path, [&] {
    SQLite::Statement insert(impl_->database, "INSERT OR REPLACE INTO run_fact (run_id, name, text) VALUES (?, ?, ?)");
    bind_all(insert, run_id, name, text);
    insert.exec();
  });
}

void Store::set_floor(std::int64_t run_id, std::int64_t metric_id, const std::string& reference_hash,
                      const Score& score) {
  guarded(impl_->path, [&] {
    SQLite::Statement insert(impl_->database,
                             "INSERT OR REPLACE INTO floor_score (run_id, metric_id, reference_hash, value, "
                             "standard_error, images, flags) VALUES (?, ?, ?, ?, ?, ?, ?)");
    bind_all(insert, run_id, metric_id, reference_hash, finite(score.value), finite(score.standard_error), score.count,
             nlohmann::json(words_of(score.flags)).dump());
    insert.exec();
  });
}

std::optional<Score> Store::find_floor(std::int64_t metric_id, const std::string& reference_hash, std::int64_t images) {
  return guarded(impl_->path, [&]() -> std::optional<Score> {
    SQLite::Statement select(impl_->database,
                             "SELECT value, standard_error, images, flags FROM floor_score WHERE metric_id = ? AND "
                             "reference_hash = ? AND images = ? ORDER BY run_id DESC LIMIT 1");
    bind_all(select, metric_id, reference_hash, images);
    if (!select.executeStep()) return std::nullopt;
    return score_at(impl_->path, select);
  });
}

void note_write(Store::Impl& store, std::int64_t run_id) {
  SQLite::Statement update(store.database,
                           "UPDATE run SET last_write = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE id = ?");
  bind_all(update, run_id);
  update.exec();
}

void Store::add_timings(std::int64_t run_id, std::int64_t series_id, std::span<const TimingRow> rows) {
  guarded(impl_->path, [&] {
    SQLite::Transaction transaction(impl_->database, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement insert(impl_->database,
                             "INSERT INTO timing_sample (run_id, series_id, process, batch, stage, repetition, ms, "
                             "round) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
    for (const TimingRow& row : rows) {
      bind_all(insert, run_id, series_id, row.process, row.batch, row.stage, row.repetition, row.ms, row.round);
      insert.exec();
    }
    note_write(*impl_, run_id);
    transaction.commit();
  });
}

}  // namespace fewstep
