#include "store/store.h"

#include "core/files.h"
#include "core/names.h"
#include "store/database.h"
#include "store/series.h"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace fewstep {
namespace {

std::int64_t last_id(SQLite::Database& database) { return database.getLastInsertRowid(); }

std::optional<std::int64_t> find_hashed(Store::Impl& store, const std::string& table, const std::string& json) {
  return guarded(store.path, [&]() -> std::optional<std::int64_t> {
    SQLite::Statement select(store.database, "SELECT id FROM " + table + " WHERE hash = ?");
    bind_all(select, sha256(json));
    if (!select.executeStep()) return std::nullopt;
    return integer_at(store.path, select, 0);
  });
}

std::int64_t add_hashed(Store::Impl& store, const std::string& table, const std::string& json) {
  if (const auto known = find_hashed(store, table, json)) return *known;
  return guarded(store.path, [&] {
    SQLite::Statement insert(store.database, "INSERT INTO " + table + " (hash, json) VALUES (?, ?)");
    bind_all(insert, sha256(json), json);
    insert.exec();
    return last_id(store.database);
  });
}

std::optional<std::int64_t> find_checkpoint(Store::Impl& store, const std::string& sha) {
  SQLite::Statement select(store.database, "SELECT id FROM checkpoint WHERE sha256 = ?");
  bind_all(select, sha);
  if (select.executeStep()) return integer_at(store.path, select, 0);
  return std::nullopt;
}

std::int64_t insert_checkpoint(Store::Impl& store, const std::string& sha, const std::string& name,
                               const std::string& path, const std::string& kind) {
  SQLite::Statement insert(store.database, "INSERT INTO checkpoint (sha256, name, path, kind) VALUES (?, ?, ?, ?)");
  bind_all(insert, sha, name, path, kind);
  insert.exec();
  return last_id(store.database);
}

std::int64_t insert_series(Store::Impl& store, const CellKey& key, const std::string& identity) {
  const auto known = find_checkpoint(store, key.checkpoint_sha256);
  const std::int64_t checkpoint =
      known ? *known : insert_checkpoint(store, key.checkpoint_sha256, key.checkpoint_name, "", key.checkpoint_kind);
  SQLite::Statement insert(store.database, insert_series_sql());
  bind_all(insert, identity, checkpoint);
  bind_series(insert, key);
  insert.exec();
  return last_id(store.database);
}

void add_prompt(Store::Impl& store, SQLite::Statement& select, SQLite::Statement& insert, const std::string& source,
                std::int64_t row, const std::string& text) {
  bind_all(select, source, row);
  if (select.executeStep()) {
    if (text_at(store.path, select, 0) == text) return;
    throw input_error(store.path.string(),
                      fmt::format("expected the stored caption for row {} of caption source {}, got another text; a "
                                  "caption file with other text needs another source or another --store",
                                  row, source));
  }
  bind_all(insert, source, row, text);
  insert.exec();
}

}  // namespace

std::optional<CellState> parse_cell_state(std::string_view name) {
  const auto found = std::find(kCellStates.begin(), kCellStates.end(), name);
  if (found == kCellStates.end()) return std::nullopt;
  return static_cast<CellState>(found - kCellStates.begin());
}

Store::Store(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Store::~Store() = default;
Store::Store(Store&&) noexcept = default;

Store Store::open(const std::filesystem::path& path, Mode mode) { return Store(std::make_unique<Impl>(path, mode)); }

bool Store::is_there(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return false;
  if (!std::filesystem::is_regular_file(path)) return true;
  check_log(path);  // before SQLite reads it
  return !is_empty_database(path);
}

void Store::remove(const std::filesystem::path& path) {
  std::error_code ignored;
  for (const char* beside : {"", "-wal", "-shm", "-journal", "-lock"})
    std::filesystem::remove(path.string() + beside, ignored);
  std::filesystem::remove_all(features_folder(path), ignored);
  std::filesystem::remove_all(std::filesystem::path(path).replace_extension(".images"), ignored);
}

std::int64_t Store::add_checkpoint(const std::string& sha256, const std::string& name, const std::string& path,
                                   const std::string& kind) {
  return guarded(impl_->path, [&] {
    const auto known = find_checkpoint(*impl_, sha256);
    if (!known) return insert_checkpoint(*impl_, sha256, name, path, kind);
    SQLite::Statement update(impl_->database, "UPDATE checkpoint SET name = ?, path = ?, kind = ? WHERE id = ?");
    bind_all(update, name, path, kind, *known);
    update.exec();
    return *known;
  });
}

std::int64_t Store::add_environment(const std::string& json) { return add_hashed(*impl_, "environment", json); }
std::optional<std::int64_t> Store::find_environment(const std::string& json) {
  return find_hashed(*impl_, "environment", json);
}
std::int64_t Store::add_config(const std::string& json) { return add_hashed(*impl_, "config", json); }

std::int64_t Store::add_series(const CellKey& key) {
  const std::string identity = series_identity(key);
  return guarded(impl_->path, [&] {
    SQLite::Transaction transaction(impl_->database, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement select(impl_->database, "SELECT id FROM series WHERE identity = ?");
    bind_all(select, identity);
    const std::int64_t id =
        select.executeStep() ? integer_at(impl_->path, select, 0) : insert_series(*impl_, key, identity);
    select.reset();
    transaction.commit();
    impl_->labels[id] = {key.checkpoint_name, key.given_as_guidance_scale};
    return id;
  });
}

std::optional<std::int64_t> Store::find_series(const CellKey& key) {
  return guarded(impl_->path, [&]() -> std::optional<std::int64_t> {
    SQLite::Statement select(impl_->database, "SELECT id FROM series WHERE identity = ?");
    bind_all(select, series_identity(key));
    if (!select.executeStep()) return std::nullopt;
    return integer_at(impl_->path, select, 0);
  });
}

std::optional<std::int64_t> Store::find_metric_like(const MetricKey& key) {
  return guarded(impl_->path, [&]() -> std::optional<std::int64_t> {
    SQLite::Statement select(
        impl_->database,
        "SELECT id FROM metric WHERE name = ? AND protocol = ? AND version = ? ORDER BY id DESC LIMIT 1");
    bind_all(select, key.name, key.protocol, key.version);
    if (!select.executeStep()) return std::nullopt;
    return integer_at(impl_->path, select, 0);
  });
}

std::string Store::checkpoint_at(const std::string& path) {
  return guarded(impl_->path, [&]() -> std::string {
    SQLite::Statement select(impl_->database, "SELECT sha256 FROM checkpoint WHERE path = ? ORDER BY id DESC LIMIT 1");
    bind_all(select, path);
    return select.executeStep() ? text_at(impl_->path, select, 0) : "";
  });
}

std::optional<std::int64_t> Store::find_metric(const MetricKey& key) {
  return guarded(impl_->path, [&]() -> std::optional<std::int64_t> {
    SQLite::Statement select(
        impl_->database, "SELECT id FROM metric WHERE name = ? AND protocol = ? AND model_hash = ? AND version = ?");
    bind_all(select, key.name, key.protocol, key.model_hash, key.version);
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
    bind_all(insert, key.name, key.protocol, key.model_hash, key.version, key.higher_is_better ? 1 : 0);
    insert.exec();
    return last_id(impl_->database);
  });
}

void Store::add_prompts(const std::string& source, std::span<const std::int64_t> rows,
                        std::span<const std::string> texts) {
  if (rows.size() != texts.size())
    throw input_error("add_prompts",
                      fmt::format("expected a text for every row, got {} for {}", texts.size(), rows.size()));
  guarded(impl_->path, [&] {
    SQLite::Transaction transaction(impl_->database, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement select(impl_->database, "SELECT text FROM prompt WHERE source = ? AND row = ?");
    SQLite::Statement insert(impl_->database, "INSERT INTO prompt (source, row, text) VALUES (?, ?, ?)");
    for (std::size_t i = 0; i < rows.size(); ++i) add_prompt(*impl_, select, insert, source, rows[i], texts[i]);
    select.reset();
    transaction.commit();
  });
}

}  // namespace fewstep
