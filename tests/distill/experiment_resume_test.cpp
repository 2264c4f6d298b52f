// An experiment that trains first, killed again and again: the same losses and the same table as without.
#include "small_training.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <map>
#include <random>

namespace fewstep {
namespace {

using nlohmann::json;

// Two students of the pocket teacher, each evaluated half-way and at its end.
class TrainingExperiment {
 public:
  TrainingExperiment() {
    const std::string pocket = std::string(FEWSTEP_SOURCE_DIR) + "/pocket";
    folder_.write("trains.toml",
                  "name = \"trains\"\nseed = 3\n[prompts]\nbuiltin = \"shapes\"\nsplit = \"test\"\ncount = 6\n"
                  "[[distill]]\nname = \"lcm-k\"\nrecipe = \"" +
                      pocket +
                      "/recipes/lcm.toml\"\nset = [\"train.steps=16\", \"train.batch=4\", \"train.save_every=3\", "
                      "\"train.report_every=2\", \"train.warmup=2\", \"data.count=64\", \"data.cache=cache\"]\n"
                      "skip_step = [50, 100]\nevaluate_at = [8, 16]\n[grid]\nsteps = [1, 2]\nomega = [1.0]\n"
                      "[[metric]]\nname = \"clip-score\"\nmodel = \"" +
                      pocket + "/clip\"\n[images]\nheight = 32\nwidth = 32\n");
  }

  Finished run(const std::function<void(int pid)>& meanwhile = {}) const {
    const auto folder = folder_.path();
    return run_program(
        "fewstep", {"run", folder / "trains.toml", "--device", "cpu", "--batch", "2"},
        [folder] {
          SmallTraining::one_thread();
          if (::chdir(folder.c_str()) != 0) ::_exit(99);
        },
        meanwhile);
  }
  void begin_anew() const { std::filesystem::remove_all(folder_.path() / "results"); }

  // Scores by cell, and every kept checkpoint's loss curve.
  std::map<std::string, json> results() const {
    std::map<std::string, json> all;
    const Finished report =
        run_program("fewstep", {"report", folder_.path() / "results" / "trains.sqlite", "--format", "json"});
    const json table = json::parse(report.out);
    for (const json& cell : table.at("cells")) {
      const std::string key = cell.at("checkpoint").get<std::string>() + " " + cell.at("steps").dump() + " " +
                              cell.at("original_inference_steps").dump();
      all[key] = {cell.at("state"), cell.at("metrics")};
    }
    for (const char* k : {"50", "100"}) {
      for (const char* kept : {"", "-at-8", "-at-16"}) {
        const std::string name = std::string("lcm-k") + k + kept;
        const auto file = folder_.path() / "results" / "trains.trained" / name / "fewstep.json";
        all[name] = json::parse(read_file(file)).at("losses");
      }
    }
    return all;
  }

 private:
  TemporaryFolder folder_;
};

TEST(ExperimentResume, AfterSigkillAtTwentyRandomMomentsHasTheSameLossesAndTable) {
  const TrainingExperiment whole, killed;
  const Finished finished = whole.run();
  ASSERT_EQ(finished.code, 0) << finished.err;
  const auto expected = whole.results();
  ASSERT_EQ(expected.size(), 8U + 6);
  std::mt19937 random(20231006);
  int kills = 0;
  for (int round = 0; kills < 20 && round < 60; ++round) {
    const auto microseconds = static_cast<useconds_t>(random() % static_cast<unsigned>(1e6 * finished.seconds));
    const int code = killed
                         .run([&](int pid) {
                           ::usleep(microseconds);
                           ::kill(pid, SIGKILL);
                         })
                         .code;
    kills += code == 128 + SIGKILL;
    if (code == 0) {
      EXPECT_EQ(killed.results(), expected);
      killed.begin_anew();
    }
  }
  EXPECT_EQ(kills, 20);
  const Finished last = killed.run();
  ASSERT_EQ(last.code, 0) << last.err;
  EXPECT_EQ(killed.results(), expected);
}

}  // namespace
}  // namespace fewstep
