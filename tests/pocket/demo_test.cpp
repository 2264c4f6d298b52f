// fewstep demo on the first 200 prompts: the whole table on trained checkpoints, and the order that it shows.
#include "core/files.h"
#include "harness/program.h"
#include "metrics/clustered_error.h"
#include "store/influence.h"
#include "store/read_samples.h"
#include "temporary.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <regex>
#include <set>

namespace fewstep {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr int kPrompts = 200;

// One run, which all checks share: ctest starts every test as a process of its own.
class Demo : public testing::Test {
 protected:
  Finished run() const {
    return run_program("fewstep", {"demo", "--limit", std::to_string(kPrompts), "--store", store(), "--device", "cpu"});
  }
  std::filesystem::path store() const { return folder_.path() / "pocket-demo.sqlite"; }
  json report() const { return json::parse(run_program("fewstep", {"report", store(), "--format", "json"}).out); }

  void has_twenty_complete_timed_cells_and_a_page() const;
  void puts_both_students_below_every_solver_at_one_and_two_steps() const;
  void keeps_the_pictures_of_extremes() const;
  void passes_an_audit() const;
  void has_contributions_that_give_the_standard_errors() const;
  void gives_paired_differences_as_a_table() const;
  void is_quick_the_second_time() const;
  void pairs_a_run_over_fewer_prompts_over_these_alone() const;

  // fd-pocket of the cell of a sampler at a step count, and what each prompt adds to it.
  static std::pair<StoredScore, UnitInfluence> fd(Store& opened, const StoredTable& table, const std::string& sampler,
                                                  int steps) {
    for (const StoredCell& cell : table.cells) {
      if (cell.key.sampler != sampler || cell.key.steps != steps) continue;
      for (const StoredScore& score : cell.scores)
        if (score.metric.name == "fd-pocket") return {score, read_influence(opened, cell, score).value()};
    }
    ADD_FAILURE() << "no cell of " << sampler << " at " << steps;
    return {};
  }

  TemporaryFolder folder_;
  Finished finished_;
};

TEST_F(Demo, IsACompleteTableWithTheStudentsBelowTheSolvers) {
  finished_ = run();
  ASSERT_EQ(finished_.code, 0) << finished_.err;
  has_twenty_complete_timed_cells_and_a_page();
  puts_both_students_below_every_solver_at_one_and_two_steps();
  keeps_the_pictures_of_extremes();
  passes_an_audit();
  has_contributions_that_give_the_standard_errors();
  gives_paired_differences_as_a_table();
  is_quick_the_second_time();
  pairs_a_run_over_fewer_prompts_over_these_alone();
}

void Demo::has_twenty_complete_timed_cells_and_a_page() const {
  const json cells = report().at("cells");
  ASSERT_EQ(cells.size(), 20U);
  for (const json& cell : cells) {
    EXPECT_EQ(cell.at("state"), "complete");
    EXPECT_EQ(cell.at("tripwires"), json::object()) << "not one image trips a wire";
    EXPECT_GT(cell.at("timing_ms").at("total").at("median"), 0) << cell;
    EXPECT_EQ(cell.at("metrics").at("fd-pocket").at("images"), kPrompts);
    const bool teacher = cell.at("checkpoint") == "teacher";
    EXPECT_EQ(cell.at("forwards_per_image"), cell.at("steps").get<int>() * (teacher ? 2 : 1)) << cell;
    const json original = cell.at("sampler") == "lcm" ? json(10) : json();
    EXPECT_EQ(cell.at("original_inference_steps"), original);  // 1000/100: the skip step of pocket/lcm
  }
  EXPECT_THAT(finished_.out, HasSubstr("FD (pocket) ↓"));
  EXPECT_THAT(run_program("fewstep", {"report", store(), "--full"}).out, HasSubstr("lcm of 10 original steps"));
  const auto page = folder_.path() / "pocket-demo.html";
  EXPECT_THAT(finished_.out, HasSubstr("Page with figures and pictures: " + page.string()));
  EXPECT_THAT(read_file(page, 1U << 28), HasSubstr("Training loss against steps"));
}

// At 1 and 2 steps both students are below the solvers by more than the two paired standard errors that make an order;
// the table of results/pocket, with ten times the images, has them below by more than five.
void Demo::puts_both_students_below_every_solver_at_one_and_two_steps() const {
  auto opened = Store::open(store(), Store::Mode::kRead);
  const StoredTable table = read_table(opened);
  for (const int steps : {1, 2}) {
    for (const char* student : {"lcm", "guided-distill"}) {
      const auto [score_a, of_a] = fd(opened, table, student, steps);
      for (const char* solver : {"ddim", "dpm", "dpm++"}) {
        const auto [score_b, of_b] = fd(opened, table, solver, steps);
        const Difference d = paired_difference(score_b, of_b, score_a, of_a).value();
        std::printf("%s - %s at %d: %.1f, %.1f standard errors\n", solver, student, steps, d.value,
                    d.value / d.standard_error);
        EXPECT_GT(d.value, 2 * d.standard_error) << solver << " " << student << " " << steps;
      }
    }
  }
}

// keep = "extremes": the pictures of the first 16 prompts, and those that the page singles out, made again at the end.
void Demo::keeps_the_pictures_of_extremes() const {
  auto opened = Store::open(store(), Store::Mode::kRead);
  std::set<std::int64_t> beyond;
  std::size_t pictures = 0;
  for (const KeptImage& image : kept_images(opened)) {
    ++pictures;
    EXPECT_TRUE(std::filesystem::exists(stored_image(opened, image.image_path))) << image.image_path;
    if (image.prompt_row >= 16) beyond.insert(image.prompt_row);
  }
  EXPECT_GT(pictures, 20u * 16u + 60u);
  EXPECT_LT(pictures, 20u * kPrompts / 4u) << "not all";
  EXPECT_GT(beyond.size(), 20u);
  const std::string page = read_file(folder_.path() / "pocket-demo.html");
  const auto begin = page.find("\"losses\":["), end = page.find("\"extremes\":[");
  ASSERT_LT(begin, end);
  const std::string losses = page.substr(begin, end - begin);
  EXPECT_THAT(losses, HasSubstr("\"student\":\"lcm"));
  EXPECT_THAT(losses, testing::Not(HasSubstr("not kept"))) << "student and teacher have their pictures";
}

// The pictures that were made again at the end are those of the run, bit for bit.
void Demo::passes_an_audit() const {
  const Finished audit = run_program("fewstep", {"audit", store(), "--images", "8", "--device", "cpu"});
  EXPECT_EQ(audit.code, 0) << audit.err;
  std::smatch counts;
  ASSERT_TRUE(std::regex_search(audit.out, counts, std::regex("pictures: (\\d+) compared, (\\d+) equal\n")))
      << audit.out;
  EXPECT_EQ(counts[1], counts[2]);
  EXPECT_GT(std::stoi(counts[1]), 20 * 16 + 60);
}

// What prompts add to a score has the spread that its standard error says.
void Demo::has_contributions_that_give_the_standard_errors() const {
  auto opened = Store::open(store(), Store::Mode::kRead);
  int scores = 0;
  for (const StoredCell& cell : read_table(opened).cells) {
    for (const StoredScore& score : cell.scores) {
      const auto influence = read_influence(opened, cell, score);
      ASSERT_TRUE(influence);
      ASSERT_EQ(influence->of_unit.size(), static_cast<std::size_t>(kPrompts));
      const double error = standard_error_of_mean(influence->of_unit);
      EXPECT_NEAR(error, score.score.standard_error, 1e-9 * error);
      ++scores;
    }
  }
  EXPECT_EQ(scores, 40);
}

void Demo::gives_paired_differences_as_a_table() const {
  const auto csv = folder_.path() / "contributions.csv";
  const Finished finished = run_program("fewstep_paired", {"--contributions", csv, store()});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr("\nFD (pocket), paired differences (same prompts, same noise)\n"));
  EXPECT_THAT(finished.out, HasSubstr("\n| 1 | teacher ddim | teacher dpm | +0.00 | 0.00 | equal |\n"));
  const std::string rows = read_file(csv);
  EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 1 + kPrompts);
}

// What stands there is not made again, and a lost page is.
void Demo::is_quick_the_second_time() const {
  const Finished again = run();
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_LT(again.seconds, 20);
  EXPECT_LT(again.seconds, finished_.seconds / 2);
}

// The store has more images than the latest scores count, and yet their differences are of the latest alone.
void Demo::pairs_a_run_over_fewer_prompts_over_these_alone() const {
  ASSERT_EQ(run_program("fewstep", {"demo", "--limit", "100", "--store", store(), "--device", "cpu"}).code, 0);
  const auto csv = folder_.path() / "fewer.csv";
  ASSERT_EQ(run_program("fewstep_paired", {"--contributions", csv, store()}).code, 0);
  const std::string rows = read_file(csv);
  EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 1 + 100);
}

}  // namespace
}  // namespace fewstep
