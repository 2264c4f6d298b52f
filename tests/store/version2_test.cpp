// A store that fewstep 0.1.0 wrote (tests/golden/store): users have such files, and every later version reads them.
#include "store/database.h"
#include "store/read.h"
#include "store/training.h"
#include "temporary.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

namespace fs = std::filesystem;

class StoreOfVersionTwo : public testing::Test {
 protected:
  StoreOfVersionTwo() {
    const fs::path golden = fs::path(FEWSTEP_TEST_DATA) / "store";
    for (const char* name : {"version2.sqlite", "version2.features"})
      fs::copy(golden / name, folder_.path() / name, fs::copy_options::recursive);
  }
  fs::path file() const { return folder_.path() / "version2.sqlite"; }

  TemporaryFolder folder_;
};

TEST_F(StoreOfVersionTwo, HasARowInEveryTable) {
  SQLite::Database database(file().string(), SQLite::OPEN_READONLY);
  SQLite::Statement tables(database, "SELECT name FROM sqlite_schema WHERE type = 'table'");
  int count = 0;
  for (; tables.executeStep(); ++count) {
    SQLite::Statement rows(database, "SELECT count(*) FROM " + tables.getColumn(0).getString());
    ASSERT_TRUE(rows.executeStep());
    EXPECT_GE(rows.getColumn(0).getInt(), 1) << tables.getColumn(0).getString();
  }
  EXPECT_EQ(count, 18);
}

TEST_F(StoreOfVersionTwo, IsReadWhole) {
  Store store = Store::open(file(), Store::Mode::kRead);
  const StoredTable table = read_table(store);
  ASSERT_EQ(table.cells.size(), 1u);
  const StoredCell& cell = table.cells[0];
  EXPECT_EQ(cell.state, CellState::kComplete);
  EXPECT_EQ(cell.stored_images, 10);
  EXPECT_EQ(cell.forwards->mean, 8);
  ASSERT_EQ(cell.scores.size(), 2u);
  EXPECT_EQ(cell.scores[0].score.value, 4.5);
  EXPECT_EQ(cell.scores[1].score.value, 12.25);
  EXPECT_THAT(cell.scores[1].score.flags, testing::ElementsAre("rank-deficient"));
  ASSERT_EQ(cell.timings.size(), 1u);
  EXPECT_EQ(cell.timings[0].total->median, 49.875);
  EXPECT_EQ(check_features(store), 2);
  const auto trainings = read_trainings(store);
  ASSERT_EQ(trainings.size(), 1u);
  EXPECT_EQ(trainings[0].losses.at(1).loss, 0.25);
}

TEST_F(StoreOfVersionTwo, IsGoneOnWithByAWriter) {
  Store store = Store::open(file(), Store::Mode::kWrite);
  EXPECT_EQ(schema_version(store), kSchemaVersion);
  const std::int64_t fid = store.add_metric({"fid", "pytorch-fid", std::string(64, '2'), 1, false});
  const std::vector<std::int64_t> prompts = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  const auto rows = store.rows(1, fid, prompts, 1);
  EXPECT_EQ(rows.width, 3);
  ASSERT_EQ(rows.values.size(), 30u);
  EXPECT_EQ(rows.values[28], 9.5f);
}

}  // namespace
}  // namespace fewstep
