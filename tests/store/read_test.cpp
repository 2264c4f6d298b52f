#include "store/read.h"

#include "core/error.h"
#include "store/filled_store.h"
#include "store/migrations.h"
#include "temporary.h"

#include <gmock/gmock.h>

#include <cmath>

namespace fewstep {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;

TEST(StoreRead, QuantilesAreNumpysDefault) {
  const Quantiles one = quantiles_of({3});
  EXPECT_EQ(one.median, 3);
  EXPECT_EQ(one.p10, 3);
  const Quantiles five = quantiles_of({5, 1, 2, 4, 3});
  EXPECT_EQ(five.n, 5);
  EXPECT_THAT(five.median, DoubleEq(3));
  EXPECT_THAT(five.p10, DoubleEq(1.4));
  EXPECT_THAT(five.p90, DoubleEq(4.6));
}

TEST(StoreRead, ShowsWhatARunFound) {
  const TemporaryFolder folder;
  FilledStore filled(folder.path() / "a.sqlite");
  filled.add_batch(0, 3);
  const std::vector<SampleRow> dearer{sample_row(3, 0, 9)};
  filled.store.add_batch(filled.run, filled.series, dearer, {});
  filled.store.set_cell(filled.run, filled.series, 0, CellState::kComplete, 4);
  filled.store.add_score(filled.run, filled.series, filled.fid, "reference", {12.5, 0.25, 4, {"rank-deficient"}});
  filled.store.add_score(filled.run, filled.series, filled.clip, "", {30.5, std::nan(""), 4, {}});
  filled.store.end_run(filled.run, "complete");

  const StoredTable table = read_table(filled.store);
  EXPECT_EQ(table.run.state, "complete");
  EXPECT_EQ(table.run.experiment, "synthetic");
  EXPECT_FALSE(table.run.ended.empty());
  EXPECT_EQ(table.config_json, R"({"name":"synthetic"})");
  EXPECT_EQ(table.environment_json, R"({"cpu":"test"})");
  ASSERT_EQ(table.checkpoints.size(), 1u);
  EXPECT_EQ(table.checkpoints[0].path, "/checkpoints/base");
  ASSERT_EQ(table.cells.size(), 1u);
  const StoredCell& cell = table.cells[0];
  EXPECT_EQ(cell.key.checkpoint_name, "base");
  EXPECT_EQ(cell.key.sampler, "ddim");
  EXPECT_EQ(cell.key.omega, 7.0);
  EXPECT_EQ(cell.key.seed, 20231006u);
  EXPECT_EQ(cell.expected_images, 4);
  EXPECT_EQ(cell.stored_images, 4);
  ASSERT_TRUE(cell.forwards.has_value());
  EXPECT_EQ(cell.forwards->mean, 8.25);
  EXPECT_EQ(cell.forwards->min, 8);
  EXPECT_EQ(cell.forwards->max, 9);
  ASSERT_EQ(cell.scores.size(), 2u);
  EXPECT_EQ(cell.scores[0].metric.name, "fid");
  EXPECT_EQ(cell.scores[0].score.value, 12.5);
  EXPECT_EQ(cell.scores[0].score.standard_error, 0.25);
  EXPECT_THAT(cell.scores[0].score.flags, ElementsAre("rank-deficient"));
  EXPECT_EQ(cell.scores[0].reference_hash, "reference");
  EXPECT_TRUE(cell.scores[1].metric.higher_is_better);
  EXPECT_TRUE(std::isnan(cell.scores[1].score.standard_error));
}

TEST(StoreRead, TimingsArePerImageAndTotalsPerRepetition) {
  const TemporaryFolder folder;
  FilledStore filled(folder.path() / "a.sqlite");
  filled.store.set_cell(filled.run, filled.series, 0, CellState::kComplete, 0);
  std::vector<TimingRow> rows;
  for (int repetition = 0; repetition < 3; ++repetition) {
    rows.push_back({"p1", 4, "text", repetition, 4});
    rows.push_back({"p1", 4, "denoise", repetition, 400.0 + 40 * repetition});
    rows.push_back({"p1", 4, "decode", repetition, 80.0 - 40 * repetition});
  }
  rows.push_back({"p2", 4, "text", 0, 8});  // stopped before its denoise: no total
  rows.push_back({"p1", 1, "denoise", 0, 150});
  filled.store.add_timings(filled.run, filled.series, rows);

  const auto cells = read_table(filled.store).cells;
  ASSERT_EQ(cells.at(0).timings.size(), 2u);
  EXPECT_EQ(cells[0].timings[0].batch, 1);
  EXPECT_EQ(cells[0].timings[0].total->median, 150);
  const BatchTiming& four = cells[0].timings[1];
  EXPECT_EQ(four.batch, 4);
  EXPECT_EQ(four.processes, 2);
  EXPECT_EQ(four.stages.at("text").n, 4);
  EXPECT_EQ(four.stages.at("denoise").median, 110);
  EXPECT_EQ(four.stages.at("decode").median, 10);
  ASSERT_TRUE(four.total.has_value());
  EXPECT_EQ(four.total->n, 3);
  EXPECT_EQ(four.total->median, 121);
  EXPECT_EQ(timed_repetitions(filled.store, filled.series, filled.environment, 4), 3);
  EXPECT_EQ(timed_repetitions(filled.store, filled.series, filled.environment, 1), 0);
  EXPECT_EQ(timed_repetitions(filled.store, filled.series, filled.environment + 1, 4), 0);
}

TEST(StoreRead, AShortRunKeepsWhatEarlierRunsOfTheConfigurationFound) {
  const TemporaryFolder folder;
  FilledStore filled(folder.path() / "a.sqlite");
  Store& store = filled.store;
  const auto dpm = store.add_series(series_key("dpm"));
  const auto lcm = store.add_series(series_key("lcm"));
  store.set_cell(filled.run, filled.series, 0, CellState::kComplete, 10);
  store.set_cell(filled.run, dpm, 1, CellState::kFailed, 10, "out of memory");
  store.set_cell(filled.run, lcm, 2, CellState::kComplete, 10);
  store.add_score(filled.run, lcm, filled.fid, "", {5, 1, 10, {}});
  store.end_run(filled.run, "failed");
  // The same experiment again with the failed cell alone, and one that was only planned.
  const auto again = store.begin_run(filled.config, filled.environment, "synthetic");
  store.set_cell(again, dpm, 0, CellState::kComplete, 10);
  store.set_cell(again, lcm, 1, CellState::kPlanned, 10);
  store.end_run(again, "interrupted");
  // Another configuration has no part in it.
  const auto other = store.begin_run(store.add_config("{}"), filled.environment, "synthetic");
  store.set_cell(other, lcm, 0, CellState::kFailed, 10, "other");
  store.end_run(other, "failed");

  const auto cells = read_table(store, again).cells;
  ASSERT_EQ(cells.size(), 3u);
  EXPECT_EQ(cells[0].key.sampler, "ddim");
  EXPECT_EQ(cells[1].key.sampler, "dpm");
  EXPECT_EQ(cells[1].state, CellState::kComplete);
  EXPECT_EQ(cells[2].state, CellState::kComplete);
  ASSERT_EQ(cells[2].scores.size(), 1u);
  EXPECT_EQ(cells[2].scores[0].score.value, 5);
  EXPECT_EQ(read_table(store).cells.size(), 1u);
  EXPECT_EQ(read_table(store, filled.run).cells[1].message, "out of memory");
  EXPECT_FEWSTEP_ERROR(read_table(store, 77), ExitCode::kInput, "from 1 to 3, got 77");
}

TEST(StoreRead, AKilledRunEndedWithoutAWordOnceTheNextBegins) {
  const TemporaryFolder folder;
  FilledStore filled(folder.path() / "a.sqlite");
  filled.store.set_cell(filled.run, filled.series, 0, CellState::kRunning, 10);
  filled.store.begin_run(filled.config, filled.environment, "synthetic");
  const auto runs = read_runs(filled.store);
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0].state, kEndedWithoutAWord);
  EXPECT_EQ(runs[1].state, "running");
  EXPECT_EQ(read_table(filled.store, runs[0].id).cells.at(0).state, CellState::kIncomplete);
}

// The lock says it before the next run does.
TEST(StoreRead, AKilledRunEndedWithoutAWordAsSoonAsItsLockIsGone) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.sqlite";
  {
    FilledStore filled(path);
    filled.add_batch(0, 4);
    filled.store.set_cell(filled.run, filled.series, 0, CellState::kRunning, 4);
    auto reader = Store::open(path, Store::Mode::kRead);
    EXPECT_EQ(read_runs(reader).back().state, "running") << "the writer holds the lock";
  }
  auto reader = Store::open(path, Store::Mode::kRead);
  const StoredTable table = read_table(reader);
  EXPECT_EQ(table.run.state, kEndedWithoutAWord);
  EXPECT_EQ(end_text(table.run), "ended without a word at " + table.run.last_write);
  EXPECT_EQ(table.run.last_write.size(), std::string("2026-01-02T03:04:05Z").size());
  EXPECT_EQ(table.cells.at(0).state, CellState::kIncomplete);
  EXPECT_EQ(table.cells.at(0).message, "the run " + end_text(table.run));
  EXPECT_NO_THROW(Store::open(path, Store::Mode::kWrite)) << "looking takes no lock away";
}

TEST(StoreRead, ARunThatAddsNothingNeverHidesACompleteOne) {
  const TemporaryFolder folder;
  FilledStore filled(folder.path() / "a.sqlite");
  filled.add_batch(0, 3);
  filled.store.set_cell(filled.run, filled.series, 0, CellState::kComplete, 3);
  filled.store.end_run(filled.run, "complete");
  const std::int64_t other = filled.store.add_config(R"({"name":"other"})");
  for (const std::int64_t config : {filled.config, other}) {
    const std::int64_t failed = filled.store.begin_run(config, filled.environment, "again");
    filled.store.set_cell(failed, filled.series, 0, CellState::kFailed, 3, "a file is gone");
    EXPECT_EQ(read_table(filled.store).run.id, failed) << "it runs";
    filled.store.end_run(failed, "failed");
    EXPECT_EQ(read_table(filled.store).run.id, filled.run);
    EXPECT_EQ(read_table(filled.store).cells.at(0).state, CellState::kComplete);
    EXPECT_EQ(newest_run_of(filled.store, "base"), filled.run);
    EXPECT_EQ(read_table(filled.store, failed).cells.at(0).state, CellState::kFailed) << "asked for by its number";
  }
  // One that stored images counts, whatever became of it, and takes nothing from those that stored none.
  const std::int64_t more = filled.store.begin_run(filled.config, filled.environment, "more");
  filled.store.set_cell(more, filled.series, 0, CellState::kPlanned, 3);
  filled.store.add_batch(more, filled.series, std::vector{sample_row(3)}, {});
  filled.store.end_run(more, "interrupted");
  EXPECT_EQ(read_table(filled.store).run.id, more);
  EXPECT_EQ(read_table(filled.store).cells.at(0).state, CellState::kComplete);
}

TEST(StoreRead, WithoutACompleteRunTheNewestIsShown) {
  const TemporaryFolder folder;
  FilledStore filled(folder.path() / "a.sqlite");
  filled.add_batch(0, 3);
  filled.store.end_run(filled.run, "interrupted");
  const std::int64_t failed = filled.store.begin_run(filled.config, filled.environment, "again");
  filled.store.end_run(failed, "failed");
  EXPECT_EQ(read_table(filled.store).run.id, failed);
}

TEST(StoreRead, CellsOfAnotherNumberOfImagesAreStale) {
  const TemporaryFolder folder;
  FilledStore filled(folder.path() / "a.sqlite");
  const auto other = filled.store.add_series(series_key("dpm", 4));
  filled.add_batch(0, 10);
  filled.store.set_cell(filled.run, filled.series, 0, CellState::kComplete, 10);
  filled.store.set_cell(filled.run, other, 1, CellState::kFailed, 10, "broken");
  filled.store.add_score(filled.run, filled.series, filled.clip, "", {30, 1, 10, {}});
  const auto next = filled.store.begin_run(filled.config, filled.environment, "synthetic");
  for (const auto series : {filled.series, other})
    filled.store.set_cell(next, series, series == other, CellState::kPlanned, 4);
  const StoredTable table = read_table(filled.store);
  ASSERT_EQ(table.cells.size(), 2u);
  EXPECT_EQ(table.cells[0].state, CellState::kStale);
  EXPECT_EQ(table.cells[0].message, "of 10 images in run 1, where run 2 asks for 4");
  EXPECT_EQ(table.cells[1].state, CellState::kFailed);
  EXPECT_EQ(read_table(filled.store, 1).cells[0].state, CellState::kComplete) << "of run 1 itself it is whole";
}

TEST(StoreRead, CountsRowsForInspect) {
  const TemporaryFolder folder;
  FilledStore filled(folder.path() / "a.sqlite");
  filled.add_batch(0, 4);
  const auto counts = count_rows(filled.store);
  EXPECT_EQ(counts.at("sample"), 4);
  EXPECT_EQ(counts.at("sample_metric"), 4);
  EXPECT_EQ(counts.at("sample_feature"), 4);
  EXPECT_EQ(counts.at("feature_block"), 1);
  EXPECT_EQ(counts.at("prompt"), 10);
  EXPECT_EQ(schema_version(filled.store), kSchemaVersion);
}

TEST(StoreRead, AStoreWithoutARunSaysSo) {
  const TemporaryFolder folder;
  auto store = Store::open(folder.path() / "a.sqlite", Store::Mode::kWrite);
  EXPECT_FEWSTEP_ERROR(read_table(store), ExitCode::kInput, "expected a store with a run");
}

}  // namespace
}  // namespace fewstep
