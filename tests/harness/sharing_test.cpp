// Cells that share evaluations give what cells give that are computed alone.
#include "core/fault_point.h"
#include "harness/run/run.h"
#include "harness/run/work_estimate.h"
#include "harness/small_experiment.h"
#include "store/store.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <c10/util/Exception.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <sstream>

namespace fewstep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> rows(const std::filesystem::path& store, const std::string& query) {
  SQLite::Database database(store.string(), SQLite::OPEN_READONLY);
  SQLite::Statement select(database, query);
  std::vector<std::string> all;
  while (select.executeStep()) {
    std::string row;
    for (int column = 0; column < select.getColumnCount(); ++column) row += select.getColumn(column).getString() + "|";
    all.push_back(row);
  }
  return all;
}

// All that a run computes, by what decides it.
std::vector<std::string> results(const std::filesystem::path& store) {
  auto all = rows(store,
                  "SELECT identity, prompt.row, image_index, sample.seed, forwards, image_sha256, hex(fingerprint), "
                  "latents, tripped, "
                  "value FROM sample JOIN series ON series.id = series_id JOIN prompt ON prompt.id = prompt_id "
                  "JOIN sample_metric ON sample_id = sample.id ORDER BY 1, 2, 3");
  const auto scores = rows(store,
                           "SELECT identity, value, standard_error, flags, hex(influence) FROM score JOIN series ON "
                           "series.id = series_id WHERE run_id = (SELECT max(id) FROM run) ORDER BY 1");
  all.insert(all.end(), scores.begin(), scores.end());
  return all;
}

std::string fact(const std::filesystem::path& store, const std::string& name) {
  const auto found = rows(store, "SELECT text FROM run_fact WHERE name = '" + name + "' ORDER BY run_id DESC");
  return found.empty() ? "" : found[0].substr(0, found[0].size() - 1);
}

// The paper's table on tiny checkpoints: five samplers at four step counts.
struct Table : SmallExperiment {
  Table() {
    checkpoints = checkpoint("sd15", "ddim\", \"dpm\", \"dpm++") + checkpoint("guided-distill", "guided-distill") +
                  checkpoint("lcm", "lcm");
    steps = "[1, 2, 4, 8]";
    captions = 5;
  }
};

TEST(Sharing, GivesTheResultsOfCellsComputedAloneToTheBit) {
  const Table shared, alone;
  const Finished first = shared.run({"--batch", "2"}), second = alone.run({"--batch", "2", "--no-sharing"});
  ASSERT_EQ(first.code, 0) << first.err;
  ASSERT_EQ(second.code, 0) << second.err;
  EXPECT_EQ(results(shared.store()).size(), 120u);
  EXPECT_EQ(results(shared.store()), results(alone.store()));
  // One Guided-Distill checkpoint serves every step count here: 52 evaluations of the teacher, 12 and 12 of students.
  EXPECT_EQ(fact(shared.store(), "computed"), "380 of 600 network evaluations and 80 of 100 decodes");
  EXPECT_EQ(fact(alone.store(), "computed"), "600 of 600 network evaluations and 100 of 100 decodes");
  EXPECT_THAT(first.err, HasSubstr("computed 380 of 600 network evaluations"));
}

TEST(Sharing, IsWhatADryRunCountsBeforehand) {
  const Table small;
  const Finished plan = small.run({"--dry-run"});
  EXPECT_THAT(plan.out, HasSubstr("20 cells, 100 images to make of 100, 600 network evaluations of which cells share "
                                  "220: 380 and 80 decodes are computed"));
  EXPECT_THAT(small.run({"--dry-run", "--no-sharing"}).out, Not(HasSubstr("share")));
}

// Heun's method, say, asks the network twice a step.
TEST(Sharing, CountsWhatASamplerAsksAndNotItsSteps) {
  Sampler twice{find_sampler("ddim")};
  twice.run = [](const Denoiser& denoiser, at::Tensor x, std::span<const NoiseLevel> levels, Rng&) {
    for (std::size_t i = 0; i + 1 < levels.size(); ++i) x = denoiser(x, levels[i]).add(denoiser(x, levels[i + 1]));
    return x;
  };
  const Denoising four{&twice, make_grid(make_schedule("linear", 0.0001, 0.02, 1000), {.steps = 4}), 7};
  EXPECT_EQ(forwards_of(four, false), 8);
  EXPECT_EQ(forwards_of(four, true), 16);
}

TEST(Sharing, GoesOnWhereOnlySomeCellsLackImages) {
  const Table whole, parts;
  ASSERT_EQ(whole.run({"--batch", "2"}).code, 0);
  ASSERT_EQ(parts.run({"--batch", "2", "--only", "sampler=dpm steps=2,8"}).code, 0);
  ASSERT_EQ(parts.run({"--batch", "2", "--limit", "2", "--only", "sampler=ddim"}).code, 0);
  EXPECT_THAT(parts.run({"--dry-run"}).out, HasSubstr("82 images to make of 100"));
  ASSERT_EQ(parts.run({"--batch", "2"}).code, 0);
  EXPECT_EQ(results(parts.store()), results(whole.store()));
}

TEST(Sharing, SharesEvaluationsOfAClassifierFreeGuidanceUnderEveryOmega) {
  SmallExperiment small;
  small.checkpoints = small.checkpoint("sd15", "ddim");
  small.steps = "[2]";
  ASSERT_EQ(small.run({"--set", "grid.omega=[1.0, 3.0, 7.0]"}).code, 0);
  EXPECT_EQ(fact(small.store(), "computed"), "48 of 72 network evaluations and 18 of 18 decodes")
      << "the first step's two halves are the same";
}

// A device without memory, made of an ordinary one.
int passages_left = 0;
void run_out_of_memory(std::string_view point) {
  if (point == "denoise" && --passages_left == 0) throw c10::OutOfMemoryError({"here", "there", 1}, "out of memory");
}

class OutOfMemory : public testing::Test {
 protected:
  // A run in this process, whose device has no memory at the n-th call of a network.
  int run(const SmallExperiment& small, int passage_of_failure) {
    RunRequest request;
    request.experiment = small.write();
    request.store = small.store();
    request.device = "cpu";
    request.batch = 6;
    passages_left = passage_of_failure;
    fault_point = run_out_of_memory;
    std::ostringstream out;
    const int code = run_experiment(
        request, [](Store&, std::int64_t) {}, out, messages_);
    fault_point = nothing_;
    return code;
  }
  void (*const nothing_)(std::string_view) = fault_point;
  std::ostringstream messages_;
};

TEST_F(OutOfMemory, HalvesTheBatchForTheRestOfTheCheckpointAndGoesOn) {
  SmallExperiment small;
  small.captions = 12;
  small.checkpoints = small.checkpoint("lcm", "lcm") + small.checkpoint("guided-distill", "guided-distill");
  small.steps = "[1, 4]";
  ASSERT_EQ(run(small, 2), 0) << messages_.str();
  EXPECT_THAT(messages_.str(), HasSubstr("3 images at a time for the rest of the checkpoint"));
  EXPECT_THAT(messages_.str(), HasSubstr("within rounding only"));
  EXPECT_THAT(rows(small.store(),
                   "SELECT sampler, steps, coalesce(together, 'whole'), count(*) FROM sample JOIN series ON series.id "
                   "= series_id "
                   "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"),
              ElementsAre("guided-distill|1|whole|12|", "guided-distill|4|whole|12|", "lcm|1|3|6|", "lcm|1|whole|6|",
                          "lcm|4|3|12|"));
  EXPECT_THAT(
      rows(small.store(), "SELECT flags FROM score JOIN series ON series.id = series_id ORDER BY sampler, steps"),
      ElementsAre(HasSubstr("[]"), HasSubstr("[]"), HasSubstr("batch-in-parts:6"), HasSubstr("batch-in-parts:12")));
}

TEST_F(OutOfMemory, GivesTheSameImagesUpToRounding) {
  SmallExperiment small, whole;
  ASSERT_EQ(run(small, 1), 0) << messages_.str();
  ASSERT_EQ(run(whole, 0), 0);
  const std::string query = "SELECT value FROM sample_metric ORDER BY sample_id";
  const auto halved = rows(small.store(), query), at_once = rows(whole.store(), query);
  ASSERT_EQ(halved.size(), 12u);
  for (std::size_t i = 0; i < halved.size(); ++i) EXPECT_NEAR(std::stod(halved[i]), std::stod(at_once[i]), 0.05);
}

}  // namespace
}  // namespace fewstep
