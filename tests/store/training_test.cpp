#include "store/training.h"

#include "core/error.h"
#include "filled_store.h"
#include "store/migrations.h"
#include "store/read.h"
#include "temporary.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gtest/gtest.h>

namespace fewstep {
namespace {

TrainingRecord record() {
  return {
      std::string(64, 'c'), R"({"method":"lcd"})", "[]", {{"lcd", 10, 0.5, 1.5, 1e-4}, {"lcd", 20, 0.25, 1.25, 5e-5}}};
}

TEST(StoreTraining, KeepsTheLossCurveOfACheckpointOnce) {
  const TemporaryFolder folder;
  FilledStore filled(folder.path() / "a.sqlite");
  EXPECT_TRUE(read_trainings(filled.store).empty());
  add_training(filled.store, record());
  TrainingRecord other = record();
  other.losses.clear();
  add_training(filled.store, other);  // of the same checkpoint: what is there is kept
  EXPECT_EQ(read_trainings(filled.store), std::vector{record()});
}

TEST(StoreTraining, NeedsItsCheckpointInTheStore) {
  const TemporaryFolder folder;
  FilledStore filled(folder.path() / "a.sqlite");
  TrainingRecord stranger = record();
  stranger.checkpoint_sha256 = std::string(64, 'd');
  EXPECT_FEWSTEP_ERROR(add_training(filled.store, stranger), ExitCode::kInput, "in the store");
}

TEST(StoreTraining, AStoreOfVersionOneIsReadAsItIsAndGetsTheTablesFromAWriter) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.sqlite";
  {
    SQLite::Database database(path.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE);
    migrate(database, kMigrations.first(1));
  }
  {
    auto reader = Store::open(path, Store::Mode::kRead);
    EXPECT_EQ(schema_version(reader), 1);
    EXPECT_TRUE(read_trainings(reader).empty());
    EXPECT_EQ(count_rows(reader).at("prompt"), 0);
  }
  FilledStore filled(path);
  Store& writer = filled.store;
  EXPECT_EQ(schema_version(writer), kSchemaVersion);
  add_training(writer, record());
  EXPECT_EQ(read_trainings(writer).size(), 1u);
}

TEST(StoreTraining, AFileThatIsNotOursIsAClearError) {
  const TemporaryFolder folder;
  EXPECT_FALSE(read_training_record(folder.path(), "x"));
  folder.write("fewstep.json", R"({"recipe": {}, "parents": [], "losses": [["lcd", 1, "NaN", 0, 0]]})");
  EXPECT_FEWSTEP_ERROR(read_training_record(folder.path(), "x"), ExitCode::kInput, "fewstep.json");
  folder.write("fewstep.json", "[");
  EXPECT_FEWSTEP_ERROR(read_training_record(folder.path(), "x"), ExitCode::kInput, "fewstep.json");
  folder.write("fewstep.json", R"({"recipe": {"k": 5}, "parents": [], "losses": [["lcd", 1, 0.5, 0, 0]]})");
  const auto read = read_training_record(folder.path(), "x");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->recipe, R"({"k":5})");
  EXPECT_EQ(read->losses.at(0).loss, 0.5);
}

}  // namespace
}  // namespace fewstep
