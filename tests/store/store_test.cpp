#include "store/store.h"

#include "core/error.h"
#include "store/filled_store.h"
#include "temporary.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace fewstep {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(Store, GivesBackTheRowsOfABatchInOrder) {
  const TemporaryFolder folder;
  FilledStore filled(folder.path() / "a.sqlite");
  filled.add_batch(3, 2);
  filled.add_batch(0, 3);
  const std::vector<std::int64_t> wanted{4, 0, 1, 3};
  const auto scores = filled.store.rows(filled.series, filled.clip, wanted, 1);
  EXPECT_EQ(scores.width, 1);
  EXPECT_THAT(scores.values, ElementsAre(0.f, 1.f, 3.f, 4.f));
  EXPECT_THAT(scores.prompt_rows, ElementsAre(0, 1, 3, 4));
  const auto features = filled.store.rows(filled.series, filled.fid, wanted, 1);
  EXPECT_EQ(features.width, 3);
  EXPECT_THAT(features.prompt_rows, ElementsAre(0, 1, 3, 4));
  EXPECT_THAT(features.values, ElementsAre(0.f, .5f, 0.f, 1.f, 1.5f, -1.f, 3.f, 3.5f, -3.f, 4.f, 4.5f, -4.f));
}

TEST(Store, IsNotMadeInAFolderWhoseParentIsNotThere) {
  const TemporaryFolder folder;
  EXPECT_FEWSTEP_ERROR(Store::open(folder.path() / "deep/er/a.sqlite", Store::Mode::kWrite), ExitCode::kUsage,
                       "nor " + (folder.path() / "deep").string() + "; create it first");
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "deep"));
}

TEST(Store, SurvivesClosingAndOpening) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "deep/a.sqlite";
  std::int64_t series = 0, fid = 0, clip = 0;
  {
    FilledStore filled(path);
    filled.add_batch(0, 2);
    series = filled.series, fid = filled.fid, clip = filled.clip;
  }
  auto store = Store::open(path, Store::Mode::kRead);
  const std::vector<std::int64_t> metrics{fid, clip}, wanted{1};
  EXPECT_THAT(store.finished(series, metrics), ElementsAre(Pair(0, 0), Pair(1, 0)));
  EXPECT_THAT(store.rows(series, fid, wanted, 1).values, ElementsAre(1.f, 1.5f, -1.f));
}

TEST(Store, ReturnsTheSameIdForTheSameThing) {
  const TemporaryFolder folder;
  FilledStore filled(folder.path() / "a.sqlite");
  Store& store = filled.store;
  EXPECT_EQ(store.add_config(R"({"name":"synthetic"})"), filled.config);
  EXPECT_NE(store.add_config(R"({"name":"other"})"), filled.config);
  EXPECT_EQ(store.add_environment(R"({"cpu":"test"})"), filled.environment);
  EXPECT_EQ(store.add_series(series_key()), filled.series);
  EXPECT_EQ(store.add_metric({"fid", "pytorch-fid", std::string(64, '2'), 1, false}), filled.fid);
  EXPECT_NE(store.add_metric({"fid", "pytorch-fid", std::string(64, '2'), 2, false}), filled.fid);
  EXPECT_NE(store.add_metric({"fid", "pytorch-fid", std::string(64, '3'), 1, false}), filled.fid);
  EXPECT_EQ(store.add_checkpoint(std::string(64, 'c'), "renamed", "/moved", "teacher"),
            store.add_checkpoint(std::string(64, 'c'), "base", "/checkpoints/base", "teacher"));
}

TEST(Store, MakesAnotherSeriesOfEverythingThatDecidesAnImage) {
  const TemporaryFolder folder;
  FilledStore filled(folder.path() / "a.sqlite");
  const auto with = [&](auto change) {
    CellKey key = series_key();
    change(key);
    return filled.store.add_series(key);
  };
  const auto same = filled.series;
  EXPECT_EQ(with([](CellKey& key) { key.checkpoint_name = "renamed"; }), same);
  EXPECT_EQ(with([](CellKey& key) { key.given_as_guidance_scale = true; }), same);
  EXPECT_NE(with([](CellKey& key) { key.checkpoint_sha256 = std::string(64, 'd'); }), same);
  EXPECT_NE(with([](CellKey& key) { key.checkpoint_kind = "consistency"; }), same);
  EXPECT_NE(with([](CellKey& key) { key.sampler = "dpm"; }), same);
  EXPECT_NE(with([](CellKey& key) { key.spacing = "leading"; }), same);
  EXPECT_NE(with([](CellKey& key) { key.final_sigma = "min"; }), same);
  EXPECT_NE(with([](CellKey& key) { key.steps = 5; }), same);
  EXPECT_NE(with([](CellKey& key) { key.original_inference_steps = 50; }), same);
  EXPECT_NE(with([](CellKey& key) { key.omega = std::nextafter(7.0, 8.0); }), same);
  EXPECT_NE(with([](CellKey& key) { key.negative_prompt = "blurry"; }), same);
  EXPECT_NE(with([](CellKey& key) { key.seed = std::numeric_limits<std::uint64_t>::max(); }), same);
  EXPECT_NE(with([](CellKey& key) { key.prompt_source = std::string(64, 'b'); }), same);
  EXPECT_NE(with([](CellKey& key) { key.height = 32; }), same);
  EXPECT_NE(with([](CellKey& key) { key.width = 32; }), same);
  EXPECT_NE(with([](CellKey& key) { key.dtype = "bfloat16"; }), same);
  EXPECT_NE(with([](CellKey& key) { key.device_kind = "cuda"; }), same);
}

TEST(Store, FinishedNeedsRowsOfEveryMetric) {
  const TemporaryFolder folder;
  FilledStore filled(folder.path() / "a.sqlite");
  filled.add_batch(0, 1);
  const std::vector<SampleRow> samples{sample_row(1), sample_row(2)};
  const std::vector<MetricRows> clip_alone{{filled.clip, 1, {1.f, 2.f}}};
  filled.store.add_batch(filled.run, filled.series, samples, clip_alone);
  const std::vector<std::int64_t> none, clip{filled.clip}, both{filled.clip, filled.fid};
  EXPECT_THAT(filled.store.finished(filled.series, none), ElementsAre(Pair(0, 0), Pair(1, 0), Pair(2, 0)));
  EXPECT_THAT(filled.store.finished(filled.series, clip), ElementsAre(Pair(0, 0), Pair(1, 0), Pair(2, 0)));
  EXPECT_THAT(filled.store.finished(filled.series, both), ElementsAre(Pair(0, 0)));
  // The missing metric is added to samples that are there.
  const std::vector<MetricRows> fid_alone{{filled.fid, 3, {1, 2, 3, 4, 5, 6}}};
  filled.store.add_batch(filled.run, filled.series, samples, fid_alone);
  EXPECT_THAT(filled.store.finished(filled.series, both), ElementsAre(Pair(0, 0), Pair(1, 0), Pair(2, 0)));
}

TEST(Store, AddingABatchTwiceChangesNothing) {
  const TemporaryFolder folder;
  FilledStore filled(folder.path() / "a.sqlite");
  filled.add_batch(0, 4);
  filled.add_batch(0, 4);
  filled.add_batch(2, 4);
  const std::vector<std::int64_t> wanted{0, 1, 2, 3, 4, 5};
  EXPECT_THAT(filled.store.rows(filled.series, filled.clip, wanted, 1).values,
              ElementsAre(0.f, 1.f, 2.f, 3.f, 4.f, 5.f));
  EXPECT_EQ(filled.store.rows(filled.series, filled.fid, wanted, 1).values.size(), 18u);
}

TEST(Store, RefusesAnotherImageForAStoredSample) {
  const TemporaryFolder folder;
  FilledStore filled(folder.path() / "a.sqlite");
  filled.add_batch(0, 2);
  std::vector<SampleRow> samples{sample_row(5), sample_row(1)};
  samples[1].image_sha256 = std::string(64, 'f');
  EXPECT_FEWSTEP_ERROR(filled.store.add_batch(filled.run, filled.series, samples, {}), ExitCode::kInput,
                       "prompt row 1 image 0, got ffffffffffff");
  samples[1] = sample_row(1);
  samples[1].seed = 99;
  EXPECT_FEWSTEP_ERROR(filled.store.add_batch(filled.run, filled.series, samples, {}), ExitCode::kInput, "seed 99");
  // The whole batch was refused.
  EXPECT_THAT(filled.store.finished(filled.series, {}), ElementsAre(Pair(0, 0), Pair(1, 0)));
}

TEST(Store, RefusesAnotherTextForAStoredCaption) {
  const TemporaryFolder folder;
  FilledStore filled(folder.path() / "a.sqlite");
  const std::vector<std::int64_t> rows{20, 3};
  const std::vector<std::string> texts{"new", "changed"};
  EXPECT_FEWSTEP_ERROR(filled.store.add_prompts(std::string(64, 'a'), rows, texts), ExitCode::kInput, "row 3");
  const std::vector<SampleRow> samples{sample_row(20)};
  EXPECT_FEWSTEP_ERROR(filled.store.add_batch(filled.run, filled.series, samples, {}), ExitCode::kInput,
                       "got none for row 20");
}

TEST(Store, RefusesValuesThatAreNotFiniteOrTooFew) {
  const TemporaryFolder folder;
  FilledStore filled(folder.path() / "a.sqlite");
  const std::vector<SampleRow> samples{sample_row(0), sample_row(1)};
  const auto add = [&](MetricRows rows) {
    const std::vector<MetricRows> metrics{std::move(rows)};
    filled.store.add_batch(filled.run, filled.series, samples, metrics);
  };
  EXPECT_FEWSTEP_ERROR(add({filled.clip, 1, {1.f, std::nanf("")}}), ExitCode::kInput, "prompt row 1 image 0");
  EXPECT_FEWSTEP_ERROR(add({filled.fid, 3, {1, 2, 3, HUGE_VALF, 5, 6}}), ExitCode::kInput, "finite");
  EXPECT_FEWSTEP_ERROR(add({filled.fid, 3, {1, 2, 3}}), ExitCode::kInput, "expected 6 values");
  EXPECT_THAT(filled.store.finished(filled.series, {}), testing::IsEmpty());
}

TEST(Store, RefusesImagePathsOutsideItsFolder) {
  const TemporaryFolder folder;
  FilledStore filled(folder.path() / "a.sqlite");
  for (const char* path : {"/etc/passwd", "../x.png", "images/../../x.png"}) {
    std::vector<SampleRow> samples{sample_row(0)};
    samples[0].image_path = path;
    EXPECT_FEWSTEP_ERROR(filled.store.add_batch(filled.run, filled.series, samples, {}), ExitCode::kInput, path);
  }
}

TEST(Store, KeepsOnePlaceOfTheTableForOneSeries) {
  const TemporaryFolder folder;
  FilledStore filled(folder.path() / "a.sqlite");
  filled.store.set_cell(filled.run, filled.series, 0, CellState::kPlanned, 10);
  filled.store.set_cell(filled.run, filled.series, 0, CellState::kFailed, 10, "out of memory");
  const auto other = filled.store.add_series(series_key("dpm"));
  EXPECT_FEWSTEP_ERROR(filled.store.set_cell(filled.run, other, 0, CellState::kPlanned, 10), ExitCode::kInput,
                       "position");
  EXPECT_FEWSTEP_ERROR(filled.store.end_run(filled.run, "done"), ExitCode::kInput, "complete");
  filled.store.end_run(filled.run, "complete");
}

}  // namespace
}  // namespace fewstep
