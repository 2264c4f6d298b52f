// Stores of schemas 5 and 6 (tests/golden/store): their rows, features and the identities of their series stay what
// they are.
#include "store/database.h"
#include "store/filled_store.h"
#include "store/influence.h"
#include "store/read.h"
#include "store/training.h"
#include "temporary.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

namespace fs = std::filesystem;

class StoreOfVersion : public testing::TestWithParam<int> {
 protected:
  StoreOfVersion() {
    const fs::path golden = fs::path(FEWSTEP_TEST_DATA) / "store";
    for (const char* ending : {".sqlite", ".features"})
      fs::copy(golden / (name() + ending), folder_.path() / (name() + ending), fs::copy_options::recursive);
  }
  static std::string name() { return "version" + std::to_string(GetParam()); }
  fs::path file() const { return folder_.path() / (name() + ".sqlite"); }

  TemporaryFolder folder_;
};

// The series of the store, each with other values on all axes.
std::vector<CellKey> keys() {
  CellKey lcm = series_key("lcm", 8);
  lcm.spacing = "lcm";
  lcm.original_inference_steps = 50;
  lcm.omega = 7.5;
  CellKey dpm = series_key("dpm-solver++-2m", 2);
  dpm.spacing = "linspace";
  dpm.final_sigma = "sigma_min";
  dpm.negative_prompt = "blurry, é";
  dpm.height = 768;
  dpm.width = 512;
  dpm.dtype = "bfloat16";
  dpm.device_kind = "cuda";
  dpm.seed = 0xfedcba9876543210ULL;
  dpm.omega = 0;
  return {series_key(), lcm, dpm};
}

TEST_P(StoreOfVersion, HasARowInEveryTable) {
  SQLite::Database database(file().string(), SQLite::OPEN_READONLY);
  SQLite::Statement tables(database, "SELECT name FROM sqlite_schema WHERE type = 'table'");
  int count = 0;
  for (; tables.executeStep(); ++count) {
    const std::string table = tables.getColumn(0).getString();
    EXPECT_GE(database.execAndGet("SELECT count(*) FROM " + table).getInt(), 1) << table;
  }
  EXPECT_EQ(count, GetParam() == 5 ? 19 : 20);
}

TEST_P(StoreOfVersion, IsReadWhole) {
  Store store = Store::open(file(), Store::Mode::kRead);
  const StoredTable table = read_table(store);
  ASSERT_EQ(table.cells.size(), 3u);
  const StoredCell& cell = table.cells[0];
  EXPECT_EQ(cell.state, CellState::kComplete);
  EXPECT_EQ(cell.stored_images, 10);
  EXPECT_EQ(cell.forwards->mean, 8);
  EXPECT_EQ(cell.digest.images_sha256, "e8e5f42fe6867e2c3a5e94581162eb1a9543a1eb43d0a99762796bcd55fe8966");
  EXPECT_EQ(cell.timings.at(0).total->median, 32.25);
  ASSERT_EQ(cell.scores.size(), 2u);
  EXPECT_EQ(cell.scores[0].score.value, 4.5);
  EXPECT_EQ(cell.scores[1].score.value, 12.25);
  EXPECT_EQ(read_influence(store, cell, cell.scores[1])->of_unit.at(9), 4.5);
  EXPECT_EQ(table.cells[1].message, "the device has no memory");
  EXPECT_EQ(table.cells[2].state, CellState::kPlanned);
  EXPECT_EQ(table.cells[2].key.negative_prompt, "blurry, é");
  EXPECT_EQ(table.cells[2].key.seed, 0xfedcba9876543210ULL);
  EXPECT_EQ(table.facts.at("command"), "fewstep run synthetic.toml");
  EXPECT_EQ(table.floors.at(0).score.value, 1.5);
  EXPECT_EQ(check_features(store), 1);
  EXPECT_EQ(read_trainings(store).at(0).losses.at(1).loss, 0.25);
}

TEST_P(StoreOfVersion, HasItsSeriesUnderTheIdentitiesOfToday) {
  for (const auto mode : {Store::Mode::kRead, Store::Mode::kWrite}) {
    Store store = Store::open(file(), mode);
    const auto series = keys();
    for (std::size_t i = 0; i < series.size(); ++i)
      EXPECT_EQ(store.find_series(series[i]), static_cast<std::int64_t>(i + 1)) << i;
  }
}

TEST_P(StoreOfVersion, IsResumedByAWriter) {
  Store store = Store::open(file(), Store::Mode::kWrite);
  EXPECT_EQ(schema_version(store), kSchemaVersion);
  const std::int64_t fid = store.add_metric({"fid", "pytorch-fid", std::string(64, '2'), 1, false});
  const std::vector<std::int64_t> prompts = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  EXPECT_EQ(store.finished(1, std::vector{fid}).size(), 10u);
  const auto rows = store.rows(1, fid, prompts, 1);
  EXPECT_EQ(rows.width, 3);
  EXPECT_EQ(rows.in_parts, 1);
  EXPECT_EQ(rows.values.at(28), 9.5f);
}

INSTANTIATE_TEST_SUITE_P(Earlier, StoreOfVersion, testing::Values(5, 6), testing::PrintToStringParamName());

}  // namespace
}  // namespace fewstep
