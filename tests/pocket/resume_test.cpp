// The pocket experiment, killed at random moments and started again: its quality tables are those of a run that was
// not, to the bit. FEWSTEP_TORTURE: twenty rounds of three kills at 200 prompts; FEWSTEP_TORTURE=full: one round at
// full size.
#include "harness/program.h"
#include "temporary.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <random>

namespace fewstep {
namespace {

using nlohmann::json;

struct Torture {
  int prompts, rounds, kills;
  std::string only;
};

Torture torture() {
  const char* wanted = std::getenv("FEWSTEP_TORTURE");
  if (!wanted) return {48, 1, 2, "sampler=lcm,ddim steps=2,4"};
  if (std::string(wanted) == "full") return {0, 1, 3, ""};
  return {200, 20, 3, ""};
}

class PocketResume : public testing::Test {
 protected:
  std::vector<std::string> arguments(const std::filesystem::path& store) const {
    std::vector<std::string> list{"run",      FEWSTEP_SOURCE_DIR "/experiments/pocket.toml",
                                  "--store",  store,
                                  "--device", "cpu",
                                  "--set",    "timing={repetitions=1, warmup=0}"};
    if (torture_.prompts > 0) list.insert(list.end(), {"--limit", std::to_string(torture_.prompts)});
    if (!torture_.only.empty()) list.insert(list.end(), {"--only", torture_.only});
    return list;
  }
  // Metrics of every cell, all digits.
  static std::vector<json> metrics(const std::filesystem::path& store) {
    const json report = json::parse(run_program("fewstep", {"report", store, "--format", "json"}).out);
    std::vector<json> cells;
    for (const json& cell : report.at("cells")) {
      EXPECT_EQ(cell.at("state"), "complete");
      cells.push_back({{"metrics", cell.at("metrics")}, {"forwards", cell.at("forwards_per_image")}});
    }
    return cells;
  }

  const Torture torture_ = torture();
  TemporaryFolder folder_;
};

TEST_F(PocketResume, AfterSigkillAtRandomMomentsGivesTheSameQualityTablesToTheBit) {
  const auto whole = folder_.path() / "whole.sqlite";
  const Finished uninterrupted = run_program("fewstep", arguments(whole));
  ASSERT_EQ(uninterrupted.code, 0) << uninterrupted.err;
  const auto expected = metrics(whole);
  const double seconds = uninterrupted.seconds;

  std::mt19937 random(std::random_device{}());
  int kills = 0, differing = 0;
  for (int round = 0; round < torture_.rounds; ++round) {
    const auto store = folder_.path() / ("round" + std::to_string(round) + ".sqlite");
    for (int kill = 0; kill < torture_.kills; ++kill) {
      const auto wait = std::uniform_real_distribution(0.05, seconds / (torture_.kills + 1))(random);
      const Finished finished = run_program("fewstep", arguments(store), {}, [&](int pid) {
        ::usleep(static_cast<useconds_t>(wait * 1e6));
        ::kill(pid, SIGKILL);
      });
      kills += finished.code == 128 + SIGKILL;
    }
    const Finished resumed = run_program("fewstep", arguments(store));
    ASSERT_EQ(resumed.code, 0) << resumed.err;
    const auto found = metrics(store);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) differing += found[i] != expected[i];
    std::filesystem::remove_all(folder_.path() / ("round" + std::to_string(round) + ".images"));
  }
  std::printf("%d kills in %d rounds over %zu cells: %d cells differ\n", kills, torture_.rounds, expected.size(),
              differing);
  EXPECT_EQ(differing, 0);
  EXPECT_GE(kills, torture_.rounds * torture_.kills - torture_.rounds);
}

}  // namespace
}  // namespace fewstep
