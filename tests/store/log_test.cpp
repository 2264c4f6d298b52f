#include "store/log.h"

#include "core/files.h"
#include "store/database.h"
#include "store/filled_store.h"
#include "store/killed.h"
#include "store/read.h"
#include "temporary.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

namespace fs = std::filesystem;

constexpr auto kBothModes = {Store::Mode::kRead, Store::Mode::kWrite};

// A store whose run was killed after two batches: of the second the .sqlite has nothing, it is in the log.
void kill_a_run(const fs::path& path) {
  run_until_killed("here", 1, [&] {
    FilledStore filled(path);
    filled.add_batch(0, 3);
    filled.store.set_cell(filled.run, filled.series, 0, CellState::kComplete, 3);
    filled.add_batch(3, 4);
    fault_point("here");
  });
  ASSERT_GT(log_bytes(path), 0u);
}

std::size_t images_of(const fs::path& path) {
  Store store = Store::open(path, Store::Mode::kRead);
  return store.finished(1, {}).size();
}

void copy_over(const fs::path& from, const fs::path& to) {
  fs::copy_file(from, to, fs::copy_options::overwrite_existing);
}

TEST(StoreLog, OfAKilledRunIsReadWithItsStoreWhereverTheTwoAreCopied) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.sqlite", copy = folder.path() / "b.sqlite";
  kill_a_run(path);
  copy_over(path, copy);
  copy_over(log_file(path), log_file(copy));
  EXPECT_EQ(images_of(path), 7u);
  EXPECT_EQ(images_of(copy), 7u);
  { FilledStore resumed(copy); }
  EXPECT_EQ(images_of(copy), 7u);
}

TEST(StoreLog, ThatIsMissingIsNamedAndNoRunBeginsWithoutIt) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.sqlite", copy = folder.path() / "b.sqlite";
  kill_a_run(path);
  copy_over(path, copy);
  const std::string before = read_file(copy);
  for (const auto mode : kBothModes)
    EXPECT_FEWSTEP_ERROR(Store::open(copy, mode), ExitCode::kInput, "expected its log b.sqlite-wal beside it");
  EXPECT_EQ(read_file(copy), before);
  folder.write("b.sqlite-wal", "");  // as a reader leaves one
  EXPECT_FEWSTEP_ERROR(Store::is_there(copy), ExitCode::kInput, "UPDATE log_binding SET awaits_log = 0");
  SQLite::Database(copy.string(), SQLite::OPEN_READWRITE).exec("UPDATE log_binding SET awaits_log = 0");
  EXPECT_EQ(images_of(copy), 3u);  // up to the last cell that was whole
  { FilledStore resumed(copy); }
  EXPECT_EQ(images_of(copy), 3u);
}

TEST(StoreLog, OfAnotherStoreIsRefusedAndBothFilesAreKept) {
  const TemporaryFolder folder;
  const auto killed = folder.path() / "a.sqlite", good = folder.path() / "b.sqlite";
  kill_a_run(killed);
  { FilledStore(good).add_batch(0, 5); }
  copy_over(good, killed);
  const std::string log = read_file(log_file(killed));
  for (const auto mode : kBothModes)
    EXPECT_FEWSTEP_ERROR(Store::open(killed, mode), ExitCode::kInput, "a.sqlite-wal of another store");
  EXPECT_EQ(read_file(killed), read_file(good));
  EXPECT_EQ(read_file(log_file(killed)), log);
  fs::remove(log_file(killed));
  EXPECT_EQ(images_of(killed), 5u);
}

TEST(StoreLog, IsRefusedBesideAnOlderCopyOfItsStore) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.sqlite", backup = folder.path() / "backup.sqlite";
  { FilledStore(path).add_batch(0, 2); }
  copy_over(path, backup);
  kill_a_run(path);
  copy_over(backup, path);
  EXPECT_FEWSTEP_ERROR(Store::open(path, Store::Mode::kRead), ExitCode::kInput, "of another time");
}

TEST(StoreLog, WithoutATagIsRefusedBesideAStoreThatHasOne) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.sqlite", other = folder.path() / "other.sqlite";
  { FilledStore(path).add_batch(0, 2); }
  run_until_killed("here", 1, [&] {
    SQLite::Database database(other.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    database.exec("PRAGMA journal_mode = WAL; CREATE TABLE bookmarks (url TEXT)");
    fault_point("here");
  });
  copy_over(log_file(other), log_file(path));
  EXPECT_FEWSTEP_ERROR(Store::open(path, Store::Mode::kRead), ExitCode::kInput, "without a mark of this store");
}

TEST(StoreLog, OfAnOlderSchemaHasNoTagAndIsRead) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.sqlite", copy = folder.path() / "b.sqlite";
  run_until_killed("here", 1, [&] {
    SQLite::Database database(path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    database.exec("PRAGMA journal_mode = WAL");
    migrate(database, kMigrations.first(5));
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    database.exec("INSERT INTO config (hash, json) VALUES ('h', '{}')");
    fault_point("here");
  });
  EXPECT_EQ(count_rows(*std::make_unique<Store>(Store::open(path, Store::Mode::kRead))).at("config"), 1);
  Store upgraded = Store::open(path, Store::Mode::kWrite);
  EXPECT_EQ(count_rows(upgraded).at("config"), 1);
}

TEST(StoreLog, OfANewStoreIsRefusedBesideOneOfAnOlderSchema) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.sqlite";
  kill_a_run(path);
  copy_over(fs::path(FEWSTEP_TEST_DATA) / "store/version5.sqlite", path);
  for (const auto mode : kBothModes)
    EXPECT_FEWSTEP_ERROR(Store::open(path, mode), ExitCode::kInput, "a.sqlite-wal of another store");
}

TEST(StoreLog, ThatUpgradesAnOlderStoreIsItsOwn) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.sqlite";
  copy_over(fs::path(FEWSTEP_TEST_DATA) / "store/version5.sqlite", path);
  run_until_killed("here", 1, [&] {
    SQLite::Database database(path.string(), SQLite::OPEN_READWRITE);
    migrate(database, kMigrations);
    fault_point("here");
  });
  ASSERT_GT(log_bytes(path), 0u);
  Store upgraded = Store::open(path, Store::Mode::kWrite);
  EXPECT_EQ(schema_version(upgraded), kSchemaVersion);
  EXPECT_EQ(upgraded.finished(1, {}).size(), 10u);
}

// Killed at any moment between the log's last transaction and the tag of the next one, nothing is missing.
TEST(StoreLog, KilledWhileItIsRenewedLosesNothing) {
  for (const int count : {1, 2, 3}) {  // at the beginning of the first run, at its cell, at the next one's beginning
    const TemporaryFolder folder;
    const auto path = folder.path() / "a.sqlite", copy = folder.path() / "b.sqlite";
    run_until_killed("log emptied", count, [&] {
      {
        FilledStore filled(path);
        filled.add_batch(0, 3);
        filled.store.set_cell(filled.run, filled.series, 0, CellState::kComplete, 3);
      }
      FilledStore again(path);
    });
    copy_over(path, copy);
    copy_over(log_file(path), log_file(copy));
    for (const auto& file : {path, copy}) EXPECT_EQ(images_of(file), count == 1 ? 0u : 3u) << count;
    FilledStore resumed(path);
    resumed.add_batch(0, 4);
    EXPECT_EQ(images_of(path), 4u);
  }
}

TEST(StoreLog, IsWholeWhileAReaderKeepsItFromBeingEmptied) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.sqlite";
  run_until_killed("here", 1, [&] {
    FilledStore filled(path);
    filled.add_batch(0, 3);
    SQLite::Database reader(path.string(), SQLite::OPEN_READONLY);
    reader.exec("BEGIN; SELECT count(*) FROM sample");
    filled.store.set_cell(filled.run, filled.series, 0, CellState::kComplete, 3);
    EXPECT_GT(log_bytes(path), 0u);
    filled.add_batch(3, 4);
    fault_point("here");
  });
  EXPECT_EQ(images_of(path), 7u);
}

// Where another program writes all of the log into the store, SQLite begins the log again at the next transaction.
TEST(StoreLog, HasItsTagWhenSqliteBeganItAgain) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.sqlite";
  run_until_killed("here", 1, [&] {
    FilledStore filled(path);
    filled.add_batch(0, 3);
    const auto before = log_bytes(path);
    SQLite::Database other(path.string(), SQLite::OPEN_READWRITE);
    other.exec("PRAGMA wal_checkpoint(PASSIVE)");
    filled.add_batch(3, 4);
    EXPECT_EQ(log_bytes(path), before) << "SQLite wrote on behind the old log";
    fault_point("here");
  });
  EXPECT_EQ(images_of(path), 7u);
  FilledStore resumed(path);
  EXPECT_EQ(images_of(path), 7u);
}

TEST(StoreLog, CutAtAnyByteKeepsWholeTransactionsOrNone) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.sqlite", cut = folder.path() / "b.sqlite";
  kill_a_run(path);
  const std::string log = read_file(log_file(path));
  for (std::size_t bytes = 1; bytes < log.size(); bytes += 1 + bytes / 6) {
    copy_over(path, cut);
    folder.write("b.sqlite-wal", log.substr(0, bytes));
    fs::remove(cut.string() + "-shm");
    EXPECT_THAT(images_of(cut), testing::AnyOf(3u, 7u)) << bytes;
  }
}

TEST(StoreLog, StaysSmallOverManyTransactions) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.sqlite";
  FilledStore filled(path);
  const std::vector<std::int64_t> rows{100};
  std::uintmax_t most = 0;
  for (int i = 0; i < 60; ++i) {
    filled.store.add_prompts(std::string(63, 'b') + std::to_string(i % 10), std::vector<std::int64_t>{i},
                             std::vector<std::string>{std::string(1 << 18, 'x')});
    most = std::max(most, log_bytes(path));
  }
  EXPECT_GT(fs::file_size(path), 10u << 20);
  EXPECT_LT(most, 6u << 20);
}

}  // namespace
}  // namespace fewstep
