#include "core/error.h"
#include "core/files.h"
#include "store/database.h"
#include "store/filled_store.h"
#include "store/read.h"
#include "store/unprivileged.h"
#include "temporary.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <iostream>

namespace fewstep {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

fs::path filled_store(const TemporaryFolder& folder) {
  const auto path = folder.path() / "a.sqlite";
  FilledStore filled(path);
  filled.add_batch(0, 4);
  return path;
}

void execute(const fs::path& path, const std::string& sql) { SQLite::Database(path, SQLite::OPEN_READWRITE).exec(sql); }

void expect_refused(const fs::path& path, ExitCode code, const std::string& text) {
  for (const auto mode : {Store::Mode::kRead, Store::Mode::kWrite}) {
    EXPECT_FEWSTEP_ERROR(read_table(*std::make_unique<Store>(Store::open(path, mode))), code, text);
  }
}

TEST(BadStore, AMissingFileIsNotMadeByAReader) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "no.sqlite";
  EXPECT_FEWSTEP_ERROR(Store::open(path, Store::Mode::kRead), ExitCode::kInput, "found no such file");
  EXPECT_FALSE(fs::exists(path));
}

TEST(BadStore, AFileThatIsNoDatabaseIsRefusedAndKept) {
  const TemporaryFolder folder;
  const std::string text =
      "name,score\nthis is a table of another kind, and long enough for a page header: " + std::string(2000, 'x');
  const auto path = folder.write("scores.csv", text);
  expect_refused(path, ExitCode::kInput, "no SQLite database");
  EXPECT_EQ(read_file(path), text);
  EXPECT_FALSE(fs::exists(path.string() + "-lock"));
}

TEST(BadStore, AFolderIsRefused) {
  const TemporaryFolder folder;
  expect_refused(folder.path(), ExitCode::kInput, "got a folder");
}

TEST(BadStore, ADatabaseOfAnotherProgramIsRefusedAndKept) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "other.sqlite";
  SQLite::Database(path, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE).exec("CREATE TABLE bookmarks (url TEXT)");
  const std::string before = read_file(path);
  expect_refused(path, ExitCode::kInput, "another program");
  EXPECT_EQ(read_file(path), before);
}

TEST(BadStore, ANewerVersionIsRefused) {
  const TemporaryFolder folder;
  const auto path = filled_store(folder);
  execute(path, "UPDATE schema_version SET version = " + std::to_string(kSchemaVersion + 1));
  expect_refused(path, ExitCode::kInput, "; use a newer fewstep");
}

TEST(BadStore, ATruncatedFileIsRefused) {
  const TemporaryFolder folder;
  const auto whole = read_file(filled_store(folder));
  for (const double fraction : {0.1, 0.5, 0.9}) {
    const auto path = folder.write("t.sqlite", whole.substr(0, static_cast<std::size_t>(fraction * whole.size())));
    expect_refused(path, ExitCode::kInput, "damaged or truncated");
  }
  expect_refused(folder.write("h.sqlite", whole.substr(0, 50)), ExitCode::kInput, "damaged or truncated");
}

TEST(BadStore, AnEmptyFileIsRefusedByAReaderAndFilledByAWriter) {
  const TemporaryFolder folder;
  const auto path = folder.write("e.sqlite", "");
  EXPECT_FEWSTEP_ERROR(Store::open(path, Store::Mode::kRead), ExitCode::kInput, "got an empty file");
  auto writer = Store::open(path, Store::Mode::kWrite);
  EXPECT_FEWSTEP_ERROR(read_table(writer), ExitCode::kInput, "expected a store with a run");
}

TEST(BadStore, ASecondWriterIsToldWhoWrites) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.sqlite";
  FilledStore filled(path);
  EXPECT_FEWSTEP_ERROR(Store::open(path, Store::Mode::kWrite), ExitCode::kEnvironment,
                       "process " + std::to_string(::getpid()) + " is writing to this store");
  auto reader = Store::open(path, Store::Mode::kRead);  // reading goes on meanwhile
  filled.add_batch(0, 2);
  EXPECT_EQ(reader.finished(filled.series, {}).size(), 2u);
}

TEST(BadStore, AnotherProgramsLockIsNamed) {
  const TemporaryFolder folder;
  const auto path = filled_store(folder);
  SQLite::Database other(path, SQLite::OPEN_READWRITE);
  auto store = Store::open(path, Store::Mode::kWrite);
  other.exec("BEGIN IMMEDIATE");
  store.impl().database.setBusyTimeout(50);
  EXPECT_FEWSTEP_ERROR(store.add_config("{}"), ExitCode::kEnvironment, "locked by another program");
  other.exec("ROLLBACK");
  store.add_config("{}");
}

// A copy of a database within a transaction whose journal is on the disk, as a process that was stopped then leaves it.
void copy_within_transaction(const fs::path& from, const fs::path& to, const std::string& sql) {
  SQLite::Database database(from.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
  database.exec("PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; BEGIN;" + sql);
  for (const char* ending : {"", "-journal"}) fs::copy_file(from.string() + ending, to.string() + ending);
  database.exec("ROLLBACK");
}
const std::string kManyPages =
    "CREATE TABLE more (text TEXT); INSERT INTO more WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
    "WHERE i < 500) SELECT hex(randomblob(500)) FROM n;";

TEST(AStoreWithAJournal, IsReadAsItWasBeforeTheTransaction) {
  const TemporaryFolder folder;
  const auto whole = filled_store(folder), stopped = folder.path() / "stopped.sqlite";
  copy_within_transaction(whole, stopped, "UPDATE run SET experiment = 'other';" + kManyPages);
  const std::string bytes = read_file(stopped);
  Store store = Store::open(stopped, Store::Mode::kRead);
  EXPECT_EQ(read_runs(store).at(0).experiment, "synthetic");
  EXPECT_EQ(count_rows(store).count("more"), 0u);
  EXPECT_EQ(read_file(stopped), bytes) << "a reader does not write";
  EXPECT_EQ(read_runs(*std::make_unique<Store>(Store::open(stopped, Store::Mode::kWrite))).at(0).experiment,
            "synthetic");
  EXPECT_FALSE(fs::exists(stopped.string() + "-journal"));
}

TEST(AStoreWithAJournal, OfAWriterThatWasStoppedBeforeItsFirstTableIsNone) {
  const TemporaryFolder folder;
  const auto first = folder.path() / "first.sqlite", stopped = folder.path() / "stopped.sqlite";
  copy_within_transaction(first, stopped, kManyPages);
  EXPECT_FALSE(Store::is_there(stopped));
  Store store = Store::open(stopped, Store::Mode::kWrite);
  EXPECT_EQ(schema_version(store), kSchemaVersion);
}

TEST(AStoreWithAJournal, InAFolderThatCannotBeWrittenToIsReadAsItWas) {
  const TemporaryFolder folder;
  const auto whole = filled_store(folder), stopped = folder.path() / "stopped.sqlite";
  copy_within_transaction(whole, stopped, "UPDATE run SET experiment = 'other';" + kManyPages);
  fs::permissions(folder.path(),
                  fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_read | fs::perms::others_exec);
  EXPECT_EQ(run_unprivileged([&] {
              auto store = Store::open(stopped, Store::Mode::kRead);
              if (read_runs(store).at(0).experiment != "synthetic") throw input_error("test", "expected the run");
            }),
            0);
  fs::permissions(folder.path(), fs::perms::owner_all);
}

TEST(BadStore, AReadOnlyStoreIsReadAndNotWritten) {
  const TemporaryFolder folder;
  const auto path = filled_store(folder);
  fs::permissions(folder.path(),
                  fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_read | fs::perms::others_exec);
  fs::permissions(path, fs::perms::owner_read | fs::perms::others_read);
  EXPECT_EQ(run_unprivileged([&] {
              auto store = Store::open(path, Store::Mode::kRead);
              if (read_runs(store).size() != 1) throw input_error("test", "expected one run");
              check_features(store);
            }),
            0);
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_unprivileged([&] { Store::open(path, Store::Mode::kWrite); }),
            static_cast<int>(ExitCode::kEnvironment));
  EXPECT_EQ(run_unprivileged([&] { Store::open(folder.path() / "new.sqlite", Store::Mode::kWrite); }),
            static_cast<int>(ExitCode::kEnvironment));
  const std::string messages = testing::internal::GetCapturedStderr();
  EXPECT_THAT(messages, HasSubstr("read-only"));
  EXPECT_THAT(messages, HasSubstr("new.sqlite] the store cannot be opened"));
  fs::permissions(folder.path(), fs::perms::owner_all);
}

TEST(BadStore, AnUnreadableStoreIsAnEnvironmentError) {
  const TemporaryFolder folder;
  const auto path = filled_store(folder);
  fs::permissions(folder.path(), fs::perms::all);
  fs::permissions(path, fs::perms::none);
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_unprivileged([&] { Store::open(path, Store::Mode::kRead); }), static_cast<int>(ExitCode::kEnvironment));
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("cannot be opened"));
}

TEST(BadStore, AFullDiskLosesNothingThatIsStored) {
  const TemporaryFolder folder;
  const auto path = filled_store(folder);
  FilledStore filled(path);
  filled.store.impl().database.exec("PRAGMA max_page_count = 1");  // as many as there are: SQLITE_FULL at the next
  std::vector<std::int64_t> rows(1000);
  std::vector<std::string> texts(1000, std::string(500, 'x'));
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = 100 + static_cast<std::int64_t>(i);
  EXPECT_FEWSTEP_ERROR(filled.store.add_prompts(std::string(64, 'a'), rows, texts), ExitCode::kEnvironment,
                       "the disk is full");
  EXPECT_EQ(filled.store.finished(filled.series, {}).size(), 4u);
  filled.store.impl().database.exec("PRAGMA max_page_count = 1000000");
  filled.store.add_prompts(std::string(64, 'a'), rows, texts);
  filled.add_batch(4, 2);
  EXPECT_EQ(filled.store.finished(filled.series, {}).size(), 6u);
}

// The system refuses every byte beyond the limit, in the log and in feature files alike.
TEST(BadStore, ARefusedWriteLosesNothingThatIsStored) {
  const TemporaryFolder folder;
  const auto path = filled_store(folder);
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    FilledStore filled(path);
    const rlimit limit{10'000, 10'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      filled.add_batch(4, 2);
    } catch (const Error& error) {
      ::_exit(static_cast<int>(error.code()));
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), static_cast<int>(ExitCode::kEnvironment));
  FilledStore filled(path);
  EXPECT_EQ(filled.store.finished(filled.series, {}).size(), 4u);
  filled.add_batch(4, 2);
  EXPECT_EQ(check_features(filled.store), 2);
}

TEST(BadStore, ChangedMissingAndTornFeatureFilesAreNamed) {
  const TemporaryFolder folder;
  const auto path = filled_store(folder);
  FilledStore filled(path);
  const std::vector<std::int64_t> wanted{0, 1, 2, 3};
  const auto file = fs::directory_iterator(features_folder(path))->path();
  const std::string whole = read_file(file);
  const auto rows = [&] { return filled.store.rows(filled.series, filled.fid, wanted, 1); };

  std::string changed = whole;
  changed[changed.size() - 13] ^= 1;  // a bit of a float: only the hash tells
  write_file_atomically(file, changed);
  EXPECT_EQ(rows().values.size(), 12u);
  EXPECT_FEWSTEP_ERROR(check_features(filled.store), ExitCode::kInput, "the file was changed");

  write_file_atomically(file, whole.substr(0, whole.size() - 4));
  EXPECT_FEWSTEP_ERROR(rows(), ExitCode::kInput, file.filename().string());
  fs::remove(file);
  EXPECT_FEWSTEP_ERROR(rows(), ExitCode::kInput, file.filename().string());
  write_file_atomically(file, whole);
  EXPECT_EQ(check_features(filled.store), 1);
}

TEST(HostileStore, ARowThatPointsOutsideIsRefused) {
  const TemporaryFolder folder;
  const auto path = filled_store(folder);
  execute(path, "UPDATE feature_block SET hash = '../../../../etc/passwd'");
  FilledStore filled(path);
  const std::vector<std::int64_t> wanted{0, 1, 2, 3};
  EXPECT_FEWSTEP_ERROR(filled.store.rows(filled.series, filled.fid, wanted, 1), ExitCode::kInput, "SHA-256");
  EXPECT_FEWSTEP_ERROR(stored_image(filled.store, "../x.png"), ExitCode::kInput, "below the store's folder");
  EXPECT_FEWSTEP_ERROR(stored_image(filled.store, "/etc/passwd"), ExitCode::kInput, "below the store's folder");
  EXPECT_EQ(stored_image(filled.store, "images/x.png"), folder.path() / "images/x.png");
}

TEST(HostileStore, SizesThatLieAreRefusedBeforeMemoryIsTaken) {
  const TemporaryFolder folder;
  const auto path = filled_store(folder);
  const std::vector<std::int64_t> wanted{0, 1, 2, 3};
  const std::pair<std::string, const char*> lies[] = {{"width = 4000000000000", "expected F32 [4,4000000000000]"},
                                                      {"width = -3", "expected a feature width of 1 or more"},
                                                      {"width = 0", "expected a feature width of 1 or more"},
                                                      {"rows = 99", "expected F32 [99,3]"},
                                                      {"width = 2", "expected F32 [4,2]"}};
  for (const auto& [lie, message] : lies) {
    execute(path, "UPDATE feature_block SET rows = 4, width = 3; UPDATE feature_block SET " + lie);
    FilledStore filled(path);
    EXPECT_FEWSTEP_ERROR(filled.store.rows(filled.series, filled.fid, wanted, 1), ExitCode::kInput, message);
  }
  execute(path, "UPDATE feature_block SET rows = 4, width = 3; UPDATE sample_feature SET row = 4 WHERE row = 3");
  FilledStore filled(path);
  EXPECT_FEWSTEP_ERROR(filled.store.rows(filled.series, filled.fid, wanted, 1), ExitCode::kInput, "one outside");
}

TEST(HostileStore, TriggersAndViewsThatWeDidNotWriteDoNothing) {
  const TemporaryFolder folder;
  const auto path = filled_store(folder);
  execute(path, "CREATE TRIGGER evil AFTER INSERT ON config BEGIN DELETE FROM sample_metric; END");
  FilledStore filled(path);
  filled.store.add_config("{\"new\":1}");
  const std::vector<std::int64_t> metrics{filled.clip};
  EXPECT_EQ(filled.store.finished(filled.series, metrics).size(), 4u);
  execute(path, "ALTER TABLE score RENAME TO hidden; CREATE VIEW score AS SELECT * FROM hidden");
  filled.store.set_cell(filled.run, filled.series, 0, CellState::kComplete, 4);
  EXPECT_FEWSTEP_ERROR(read_table(filled.store), ExitCode::kInput, "expected the tables of a fewstep store");
}

TEST(HostileStore, ColumnsOfAnotherTypeAreRefused) {
  const TemporaryFolder folder;
  const auto path = filled_store(folder);
  FilledStore filled(path);
  filled.store.set_cell(filled.run, filled.series, 0, CellState::kComplete, 4);
  // Tables without STRICT, as a forger might write them.
  execute(path,
          "PRAGMA foreign_keys = OFF; CREATE TABLE t AS SELECT * FROM score; DROP TABLE score; "
          "ALTER TABLE t RENAME TO score; "
          "INSERT INTO score (id, run_id, series_id, metric_id, reference_hash, value, standard_error, images, flags) "
          "VALUES (1, " +
              std::to_string(filled.run) + ", " + std::to_string(filled.series) + ", 1, '', 'many', 9e999, 4, '[]')");
  EXPECT_FEWSTEP_ERROR(read_table(filled.store), ExitCode::kInput, "finite number in column value");
  execute(path, "UPDATE score SET value = 9e999");
  EXPECT_FEWSTEP_ERROR(read_table(filled.store), ExitCode::kInput, "finite number in column value");
  execute(path, "UPDATE score SET value = 1, standard_error = NULL, flags = x'00ff'");
  EXPECT_FEWSTEP_ERROR(read_table(filled.store), ExitCode::kInput, "text in column flags");
  execute(path, "UPDATE score SET flags = '{]'");
  EXPECT_EQ(read_table(filled.store).cells.at(0).scores.size(), 1u);
}

TEST(HostileStore, EveryFlippedByteIsAnErrorOrHarmless) {
  const TemporaryFolder folder;
  const auto whole = read_file(filled_store(folder));
  const int rounds = std::getenv("FEWSTEP_TORTURE") ? 5000 : 150;
  std::srand(7);
  int refused = 0;
  for (int round = 0; round < rounds; ++round) {
    std::string bytes = whole;
    for (int n = 0; n < 8; ++n)
      bytes[static_cast<std::size_t>(std::rand()) % bytes.size()] = static_cast<char>(std::rand());
    const auto path = folder.write("flipped.sqlite", bytes);
    try {
      auto store = Store::open(path, Store::Mode::kRead);
      read_table(store);
      count_rows(store);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kInput) << error.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace fewstep
