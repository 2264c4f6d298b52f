#include "store/migrations.h"

#include "core/files.h"
#include "filled_store.h"
#include "store/database.h"
#include "store/read.h"
#include "temporary.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

std::vector<std::string> tables_of(SQLite::Database& database) {
  std::vector<std::string> names;
  SQLite::Statement select(database, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name");
  while (select.executeStep()) names.push_back(select.getColumn(0).getString());
  return names;
}

SQLite::Database in_memory() { return {":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE}; }

TEST(Migrations, MakeOneAfterTheOtherWhatAllMakeAtOnce) {
  auto whole = in_memory(), stepwise = in_memory();
  migrate(whole, kMigrations);
  for (std::size_t count = 1; count <= kMigrations.size(); ++count) {
    migrate(stepwise, kMigrations.first(count));
    EXPECT_EQ(stepwise.execAndGet("SELECT version FROM schema_version").getInt(), kMigrations[count - 1].version);
  }
  EXPECT_EQ(tables_of(stepwise), tables_of(whole));
  EXPECT_EQ(tables_of(whole).size(), 20u);
  EXPECT_EQ(whole.execAndGet("PRAGMA application_id").getInt(), kApplicationId);
  EXPECT_EQ(stepwise.execAndGet("SELECT count(*) FROM schema_version").getInt(), 1);
}

// A later version will come: a store of any older version gets just what it lacks.
TEST(Migrations, BringAnyOlderStoreToALaterVersion) {
  std::vector<Migration> later(kMigrations.begin(), kMigrations.end());
  later.push_back({kSchemaVersion + 1, "CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT"});
  later.push_back({kSchemaVersion + 2, "ALTER TABLE later ADD COLUMN text TEXT"});
  for (std::size_t start = 0; start <= later.size(); ++start) {
    auto database = in_memory();
    if (start > 0) migrate(database, std::span(later).first(start));
    migrate(database, later);
    migrate(database, later);  // nothing more
    EXPECT_EQ(database.execAndGet("SELECT version FROM schema_version").getInt(), kSchemaVersion + 2) << start;
    EXPECT_EQ(database.execAndGet("SELECT count(text) FROM later").getInt(), 0) << start;
  }
}

TEST(Migrations, ThatFailLeaveTheStoreAsItWas) {
  auto database = in_memory();
  migrate(database, kMigrations.first(1));
  const auto before = tables_of(database);
  std::vector<Migration> broken(kMigrations.begin(), kMigrations.end());
  broken.push_back({kSchemaVersion + 1, "CREATE TABLE run (id INTEGER)"});  // there already
  EXPECT_THROW(migrate(database, broken), SQLite::Exception);
  EXPECT_EQ(tables_of(database), before);
  EXPECT_EQ(database.execAndGet("SELECT version FROM schema_version").getInt(), 1);
}

TEST(Migrations, AreKnownToThePythonPackageThatReadsStores) {
  EXPECT_THAT(read_file(FEWSTEP_SOURCE_DIR "/python/fewstep/store.py"),
              testing::HasSubstr("OLDEST_VERSION, NEWEST_VERSION = 2, " + std::to_string(kSchemaVersion) + " "));
}

TEST(CountRows, CountsEveryTableThatThereIs) {
  const TemporaryFolder folder;
  FilledStore filled(folder.path() / "a.sqlite");
  const auto counts = count_rows(filled.store);
  EXPECT_EQ(counts.size(), 18u);
  EXPECT_EQ(counts.at("prompt"), 10);
  EXPECT_EQ(counts.at("training"), 0);
  EXPECT_EQ(counts.at("training_loss"), 0);
}

}  // namespace
}  // namespace fewstep
