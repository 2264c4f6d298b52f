// What a reader concludes from a table: bold, flags, headlines, and what a student was not trained for.
#include "core/files.h"
#include "reports/bold.h"
#include "reports/flags.h"
#include "reports/headlines.h"
#include "reports/report.h"
#include "reports/scores.h"
#include "store/database.h"
#include "store/filled_store.h"
#include "store/trained_for.h"
#include "temporary.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <sstream>

namespace fewstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Flags, AreAllExplained) {
  const std::string page = read_file(FEWSTEP_SOURCE_DIR "/docs/reading-the-table.md");
  for (const char* flag : {"rank-deficient", "reference-rank-deficient", "biased-upward", "needs-2-images",
                           "needs-12-reference-images", "assumed-protocol", "skipped-images:3",
                           "skipped-reference-images:3", "clamped-at-0", "recomputed:40", "batch-in-parts:16"}) {
    EXPECT_NE(explain_flag(flag), flag);
    EXPECT_NE(Flag(flag).kind, FlagKind::kUnknown) << flag;
    EXPECT_EQ(word_of(flag), flag);
    const std::string word = std::string(flag).substr(0, std::string(flag).find_first_of("0123456789:"));
    EXPECT_THAT(page, HasSubstr(word)) << "docs/reading-the-table.md";
    EXPECT_THAT(explain_flag(flag), Not(HasSubstr("{}"))) << flag;
  }
  EXPECT_EQ(explain_flag("needs-2-images"), "not given: it needs at least 2 images");
  EXPECT_EQ(explain_flag("needs-12-reference-images"), "not given: it needs at least 12 reference images");
  EXPECT_THAT(explain_flag("recomputed:40"), testing::StartsWith("recomputed: 40 images were made again"));
  for (const char* other : {"a-word-of-a-later-version", "", "recomputed:", "recomputed:4x", "needs--images",
                            "skipped-images:007", "recomputed:99999999999999999999"}) {
    EXPECT_EQ(explain_flag(other), other);
    EXPECT_EQ(word_of(other), other);
  }
}

std::vector<std::optional<Candidate>> column_of(const std::vector<StoredCell>& cells,
                                                const std::vector<double>& numbers) {
  std::vector<std::optional<Candidate>> column;
  for (std::size_t i = 0; i < cells.size(); ++i)
    column.push_back(std::isnan(numbers[i]) ? std::nullopt : std::optional(Candidate{&cells[i], numbers[i]}));
  return column;
}

TEST(Bold, IsTheBestAndWhatCannotBeToldFromIt) {
  const std::vector<StoredCell> cells(4);
  const auto column = column_of(cells, {10, 11, 20, std::nan("")});
  const auto apart = [&](const StoredCell& best, const StoredCell& other) -> std::optional<bool> {
    EXPECT_EQ(&best, &cells[0]);
    return &other == &cells[2];
  };
  EXPECT_THAT(choose_bold(column, false, apart), ElementsAre(true, true, false, false));
}

TEST(Bold, IsNoneWhereItCannotBeSaidOrThereIsNothingToChoose) {
  const std::vector<StoredCell> cells(3);
  const auto unknown = [](const StoredCell&, const StoredCell&) -> std::optional<bool> { return {}; };
  EXPECT_THAT(choose_bold(column_of(cells, {10, 11, 20}), true, unknown), ElementsAre(false, false, false));
  EXPECT_THAT(choose_bold(column_of(cells, {10, std::nan(""), std::nan("")}), true, unknown),
              ElementsAre(false, false, false));
  EXPECT_THAT(choose_bold(column_of(cells, {20, 20, 20}), true, unknown), ElementsAre(false, false, false)) << "equal";
}

// A teacher and a student on ten prompts; metric rows are given by a function of the prompt.
class Pairs : public testing::Test {
 protected:
  std::int64_t add(const std::string& name, const std::string& kind, char hash, int steps, double ms,
                   const std::function<float(int)>& clip, int images = 10) {
    CellKey key = series_key(kind == "teacher" ? "ddim" : "lcm", steps);
    key.checkpoint_sha256 = std::string(64, hash);
    key.checkpoint_name = name;
    key.checkpoint_kind = kind;
    key.omega = 1;
    filled_.store.add_checkpoint(key.checkpoint_sha256, name, "/" + name, kind);
    const auto series = filled_.store.add_series(key);
    for (std::int64_t row = 10; row < images; ++row)  // beyond those that the store has
      filled_.store.add_prompts(key.prompt_source, std::array{row}, std::array{"caption " + std::to_string(row)});
    std::vector<SampleRow> samples;
    MetricRows rows{filled_.clip, 1, {}};
    double mean = 0;
    for (int prompt = 0; prompt < images; ++prompt) {
      samples.push_back(sample_row(prompt, 0, steps * (kind == "teacher" ? 2 : 1)));
      rows.values.push_back(clip(prompt));
      mean += rows.values.back() / images;
    }
    filled_.store.add_batch(filled_.run, series, samples, std::vector{rows});
    filled_.store.add_score(filled_.run, series, filled_.clip, "", {mean, 3, images, {}});
    std::vector<TimingRow> timings;
    for (int i = 0; i < 4; ++i)
      for (const char* stage : {"text", "denoise", "decode"})
        timings.push_back({"process", 1, stage, i, ms / 3 + 0.001 * i, i});
    filled_.store.add_timings(filled_.run, series, timings);
    filled_.store.set_cell(filled_.run, series, position_++, CellState::kComplete, images);
    return series;
  }
  std::string report() {
    ReportRequest request;
    request.store = folder_.path() / "a.sqlite";
    request.format = "markdown";
    std::ostringstream out, err;
    run_report(request, out, err);
    return out.str();
  }
  std::vector<std::string> headlines() {
    const StoredTable table = read_table(filled_.store);
    return make_headlines(store_of(filled_.store), table, student_pairs(store_of(filled_.store), table, {}));
  }

  TemporaryFolder folder_;
  FilledStore filled_{folder_.path() / "a.sqlite"};
  int position_ = 0;
};

TEST_F(Pairs, AreBoldTogetherWhereOnlyThePairedDifferenceTellsThemApart) {
  // Prompts differ by far more than checkpoints: each standard error is 3, that of the first pair 0, of the second 1.
  add("teacher", "teacher", 'b', 4, 30, [](int prompt) { return 10.0F * static_cast<float>(prompt); });
  add("near", "consistency", 'd', 4, 10,
      [](int prompt) { return 10.0F * static_cast<float>(prompt) - 1 + 2.0F * static_cast<float>(prompt % 2); });
  add("below", "consistency", 'e', 4, 10, [](int prompt) { return 10.0F * static_cast<float>(prompt) - 1; });
  const std::string table = report();
  EXPECT_THAT(table, HasSubstr("| teacher | ddim | 1 (2) | **45.00 ± 3.00** |"));
  EXPECT_THAT(table, HasSubstr("| near | lcm | 1 (2) | **45.00 ± 3.00** |"));
  EXPECT_THAT(table, HasSubstr("| below | lcm | 1 (2) | 44.00 ± 3.00 |"));
}

TEST_F(Pairs, MakeTheHeadline) {
  const auto at = [](int prompt) { return static_cast<float>(prompt); };
  add("teacher", "teacher", 'b', 8, 60, at, 30);
  const auto worse = [](int prompt) { return static_cast<float>(prompt) - 5; };
  const auto near = [](int prompt) { return static_cast<float>(prompt) + 0.1F * static_cast<float>(prompt % 2); };
  const auto better = [](int prompt) { return static_cast<float>(prompt) + 1; };
  add("lcm", "consistency", 'd', 1, 6, worse, 30);
  add("lcm", "consistency", 'd', 2, 12, near, 30);
  add("lcm", "consistency", 'd', 4, 24, better, 30);
  EXPECT_THAT(headlines(), ElementsAre("lcm · 2 steps is not worse than teacher · ddim · 8 steps by more than the "
                                       "margins: ΔCLIP score +0.05 ± 0.01, 5.0 times faster"))
      << "the fewest forwards that are not worse";
  EXPECT_THAT(headline_rule(read_table(filled_.store).cells), HasSubstr("(0.2 of CLIP score)"));
}

// Two standard errors would call each of these as good as the teacher.
TEST_F(Pairs, MakeNoClaimThatTheirPromptsDoNotShow) {
  const auto noisy = [](int prompt) { return static_cast<float>(prompt) + (prompt % 2 == 0 ? 3.0F : -3.0F); };
  add(
      "teacher", "teacher", 'b', 8, 60, [](int prompt) { return static_cast<float>(prompt); }, 30);
  add("lcm", "consistency", 'd', 2, 12, noisy, 30);
  EXPECT_THAT(headlines(),
              ElementsAre(HasSubstr("lcm: no step count is shown to be as good as teacher · ddim · 8 steps; "
                                    "about 672 prompts would settle it if the differences stayed. Its "
                                    "best, lcm · 2 steps: ΔCLIP score +0.00 ± 0.56")));
}

TEST_F(Pairs, OfFewerThan25PromptsClaimNothing) {
  add("teacher", "teacher", 'b', 8, 60, [](int prompt) { return static_cast<float>(prompt); });
  add("lcm", "consistency", 'd', 2, 12, [](int prompt) { return static_cast<float>(prompt); });
  EXPECT_THAT(headlines(),
              ElementsAre(HasSubstr("; 10 prompts are too few, 25 are the least. Its best, lcm · 2 steps")));
}

TEST_F(Pairs, BeyondAMarginAtEveryStepCountSaySo) {
  add(
      "teacher", "teacher", 'b', 8, 60, [](int prompt) { return static_cast<float>(prompt); }, 30);
  add(
      "lcm", "consistency", 'd', 2, 12, [](int prompt) { return static_cast<float>(prompt) - 5; }, 30);
  EXPECT_THAT(headlines(), ElementsAre(HasSubstr("; a metric is beyond its margin at each. Its best")));
}

// What tells a teacher's cells from each other its student does not have.
TEST_F(Pairs, AreArmsOfOneStoreWhoseCellsOneTextChooses) {
  add("teacher", "teacher", 'b', 8, 60, [](int prompt) { return static_cast<float>(prompt); });
  add("lcm", "consistency", 'd', 2, 12, [](int prompt) { return static_cast<float>(prompt); });
  const std::string store = (folder_.path() / "a.sqlite").string();
  const std::string only = "sampler=ddim,lcm";
  EXPECT_EQ(open_arm(store + "#teacher", only).table.cells.size(), 1u);
  EXPECT_EQ(open_arm(store + "#lcm", only).table.cells.size(), 1u);
  EXPECT_EQ(open_arm(store, only).table.cells.size(), 2u);
  EXPECT_FEWSTEP_ERROR(open_arm(store + "#lcm", "sampler=ddim"), ExitCode::kUsage,
                       "expected clauses that leave a cell of");
  EXPECT_FEWSTEP_ERROR(open_arm(store + "#lcm", "sampler=lmc"), ExitCode::kUsage, "did you mean \"lcm\"?");
}

TEST_F(Pairs, AreNotOfStaleCells) {
  add("teacher", "teacher", 'b', 8, 60, [](int prompt) { return static_cast<float>(prompt); });
  const auto student = add("lcm", "consistency", 'd', 2, 6, [](int prompt) { return static_cast<float>(prompt); });
  filled_.store.begin_run(filled_.config, filled_.environment, "synthetic");
  filled_.store.set_cell(2, student, 1, CellState::kPlanned, 4);
  const StoredTable table = read_table(filled_.store);
  EXPECT_EQ(table.cells.at(1).state, CellState::kStale);
  EXPECT_TRUE(
      make_headlines(store_of(filled_.store), table, student_pairs(store_of(filled_.store), table, {})).empty());
  const std::string text = report();
  EXPECT_THAT(text, HasSubstr("| stale \\[1\\] |"));
  EXPECT_THAT(text, HasSubstr("of 10 images in run 1, where run 2 asks for 4"));
  EXPECT_THAT(text.substr(0, text.find("- **")), Not(HasSubstr("**"))) << "nothing that is stale is best";
}

TEST_F(Pairs, SayThatACellWithAllItsImagesIsNotIncompleteByCount) {
  const auto series = add("teacher", "teacher", 'b', 8, 60, [](int) { return 1.0F; });
  filled_.store.set_cell(filled_.run, series, 0, CellState::kIncomplete, 10, "interrupted while timing");
  const std::string text = report();
  EXPECT_THAT(text, Not(HasSubstr("10/10")));
  EXPECT_THAT(text, HasSubstr("not scored or timed to its end \\[1\\]"));
  EXPECT_THAT(text, HasSubstr("interrupted while timing"));
}

TEST_F(Pairs, AreCalledUnstableWhereRoundsDrift) {
  const auto series = add("teacher", "teacher", 'b', 8, 60, [](int) { return 1.0F; });
  const auto run = filled_.store.begin_run(filled_.config, filled_.environment, "synthetic");
  std::vector<TimingRow> timings;
  for (int i = 0; i < 6; ++i)
    for (const char* stage : {"text", "denoise", "decode"})
      timings.push_back({"process", 1, stage, i, i < 3 ? 20.0 : 25.0, i / 3});
  filled_.store.add_timings(run, series, timings);
  filled_.store.set_cell(run, series, 0, CellState::kComplete, 10);
  const auto timing = read_timings(filled_.store, series, filled_.environment).at(0);
  EXPECT_NEAR(timing.drift, 15.0 / 67.5, 1e-9);
  EXPECT_TRUE(timing.unstable());
  EXPECT_THAT(
      report(),
      HasSubstr(
          "unstable: repetitions, or the medians of the rounds, differ by more than 20 %, or other processes used"));
}

TEST_F(Pairs, NameTheThrottlingOfATiming) {
  const auto series = add("teacher", "teacher", 'b', 8, 60, [](int) { return 1.0F; });
  EXPECT_THAT(report(), Not(HasSubstr("throttled")));
  filled_.store.set_fact(filled_.run, std::string(kThrottledSeconds), "12.345");
  EXPECT_EQ(read_timings(filled_.store, series, filled_.environment).at(0).throttled, 12.345);
  EXPECT_THAT(report(), HasSubstr("throttled: the CPU quota of the control group held threads back for 12.3 s"));
}

// All visits of a cell may fall into another process's work by chance, and then look alike.
TEST_F(Pairs, AreCalledUnstableWhereOtherProcessesUsedTheMachine) {
  const auto series = add("teacher", "teacher", 'b', 8, 60, [](int) { return 1.0F; });
  const auto timing = [&] { return read_timings(filled_.store, series, filled_.environment).at(0); };
  EXPECT_FALSE(timing().unstable());
  filled_.store.set_fact(filled_.run, std::string(kOtherCores), "0.090");
  EXPECT_FALSE(timing().unstable());
  filled_.store.set_fact(filled_.run, std::string(kOtherCores), "0.500");
  EXPECT_EQ(timing().other_cores, 0.5);
  EXPECT_TRUE(timing().unstable());
}

TEST_F(Pairs, SayThatAStoreHoldsSeveralExperiments) {
  add("teacher", "teacher", 'b', 8, 60, [](int) { return 1.0F; });
  EXPECT_THAT(report(), Not(HasSubstr("experiments:")));
  const auto series = filled_.store.add_series(series_key());
  const auto run =
      filled_.store.begin_run(filled_.store.add_config(R"({"name":"other"})"), filled_.environment, "other");
  filled_.store.set_cell(run, series, 0, CellState::kPlanned, 10);
  EXPECT_THAT(report(), HasSubstr("holds 2 experiments: synthetic (run 1); other (run 2); shown is run 2"));
}

TrainingRecord record(const char* recipe, const char* phase) {
  return {std::string(64, 'd'), recipe, R"([{"name": "teacher", "sha256": "b"}])", {{phase, 600, 0.25, 1, 1e-4}}};
}

TEST(TrainedFor, IsWhatFewstepJsonSays) {
  const TrainedFor lcm = trained_for(record(R"({"method": "lcd", "skip_step": 20, "omega": [0, 3]})", "lcd"));
  EXPECT_EQ(
      training_json(lcm).dump(),
      R"({"method":"lcd","skip_step":20,"omega":[0.0,3.0],"teacher":"teacher","iterations":600,"last_loss":0.25})");
  CellKey key = series_key("lcm", 4);
  key.checkpoint_name = "lcm";
  key.omega = 3;
  EXPECT_TRUE(outside_training(lcm, key).empty());
  key.omega = 8;
  EXPECT_THAT(outside_training(lcm, key),
              ElementsAre("ω 8 is outside 0 to 3, which lcm was trained for (its fewstep.json)"));
  const TrainedFor student = trained_for(record(R"({"method": "guided-distill", "omega": [0, 8]})", "2-steps"));
  EXPECT_THAT(outside_training(student, key),
              ElementsAre("4 steps are not the 2 that lcm was trained for (its fewstep.json)"));
  EXPECT_TRUE(outside_training(trained_for(record("nothing of ours", "x")), key).empty());
}

}  // namespace
}  // namespace fewstep
