// fewstep demo on the first 200 prompts: the whole table on trained checkpoints, and the order that it shows.
#include "core/files.h"
#include "datasets/statistics_file.h"
#include "harness/paired.h"
#include "harness/program.h"
#include "temporary.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <cstdio>

namespace fewstep {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr int kPrompts = 200;

class Demo : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    finished_ =
        run_program("fewstep", {"demo", "--limit", std::to_string(kPrompts), "--store", store(), "--device", "cpu"});
  }
  static void TearDownTestSuite() { delete folder_; }
  void SetUp() override { ASSERT_EQ(finished_.code, 0) << finished_.err; }

  static std::filesystem::path store() { return folder_->path() / "pocket-demo.sqlite"; }
  static json report() { return json::parse(run_program("fewstep", {"report", store(), "--format", "json"}).out); }

  // fd-pocket of every cell of a sampler at a step count.
  static Contributions fd(Store& opened, const StoredTable& table, const Gaussian& reference,
                          const std::string& sampler, int steps) {
    for (const StoredCell& cell : table.cells) {
      if (cell.series.sampler != sampler || cell.series.steps != steps) continue;
      for (const StoredScore& score : cell.scores)
        if (score.metric.name == "fd-pocket") return contributions(opened, cell, score, &reference);
    }
    ADD_FAILURE() << "no cell of " << sampler << " at " << steps;
    return {};
  }

  inline static TemporaryFolder* folder_ = nullptr;
  inline static Finished finished_;
};

TEST_F(Demo, HasTwentyCompleteTimedCellsAndAPage) {
  const json cells = report().at("cells");
  ASSERT_EQ(cells.size(), 20U);
  for (const json& cell : cells) {
    EXPECT_EQ(cell.at("state"), "complete");
    EXPECT_GT(cell.at("timing_ms").at("total").at("median"), 0) << cell;
    EXPECT_EQ(cell.at("metrics").at("fd-pocket").at("images"), kPrompts);
    const bool teacher = cell.at("checkpoint") == "teacher";
    EXPECT_EQ(cell.at("forwards_per_image"), cell.at("steps").get<int>() * (teacher ? 2 : 1)) << cell;
    const json original = cell.at("sampler") == "lcm" ? json(10) : json();
    EXPECT_EQ(cell.at("original_inference_steps"), original);  // 1000/100: the skip step of pocket/lcm
  }
  EXPECT_THAT(finished_.out, HasSubstr("FD (pocket) ↓"));
  EXPECT_THAT(finished_.out, HasSubstr("lcm of 10 original steps"));
  const auto page = folder_->path() / "pocket-demo.html";
  EXPECT_THAT(finished_.out, HasSubstr("Page with figures and pictures: " + page.string()));
  EXPECT_THAT(read_file(page, 1U << 28), HasSubstr("Training loss against steps"));
}

// At 1 and 2 steps both students are below the solvers by more than the two paired standard errors that make an order;
// the table of results/pocket, with ten times the images, has them below by more than five.
TEST_F(Demo, PutsBothStudentsBelowEverySolverAtOneAndTwoSteps) {
  auto opened = Store::open(store(), Store::Mode::kRead);
  const StoredTable table = read_table(opened);
  const Gaussian reference = read_statistics(std::string(FEWSTEP_SOURCE_DIR) + "/pocket/reference.npz").gaussian;
  for (const int steps : {1, 2}) {
    for (const char* student : {"lcm", "guided-distill"}) {
      const Contributions a = fd(opened, table, reference, student, steps);
      for (const char* solver : {"ddim", "dpm", "dpm++"}) {
        const Contributions b = fd(opened, table, reference, solver, steps);
        const PairedDifference d = paired_difference(std::span(&b, 1), std::span(&a, 1));
        std::printf("%s - %s at %d: %.1f, %.1f standard errors\n", solver, student, steps, d.value,
                    d.value / d.standard_error);
        EXPECT_GT(d.value, 2 * d.standard_error) << solver << " " << student << " " << steps;
      }
    }
  }
}

// What stands there is not made again, and a lost page is.
TEST_F(Demo, AgainIsQuick) {
  const Finished again =
      run_program("fewstep", {"demo", "--limit", std::to_string(kPrompts), "--store", store(), "--device", "cpu"});
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_LT(again.seconds, 20);
  EXPECT_LT(again.seconds, finished_.seconds / 2);
}

}  // namespace
}  // namespace fewstep
