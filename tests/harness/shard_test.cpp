// Shards of a run, merged, are the run.
#include "harness/small_experiment.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

namespace fewstep {
namespace {

using testing::HasSubstr;

using Path = std::filesystem::path;

// The cells of a table with all digits.
nlohmann::json quality(const Path& store) {
  const auto report = nlohmann::json::parse(run_program("fewstep", {"report", store, "--format", "json"}).out);
  nlohmann::json cells = nlohmann::json::array();
  for (const auto& cell : report.at("cells"))
    cells.push_back(
        {{"state", cell.at("state")}, {"metrics", cell.at("metrics")}, {"forwards", cell.at("forwards_per_image")}});
  return cells;
}

class Shards : public testing::Test {
 protected:
  Shards() {
    small_.captions = 11;
    small_.steps = "[1, 2]";
    small_.checkpoints = small_.checkpoint("sd15", "ddim\", \"dpm++") + small_.checkpoint("lcm", "lcm");
    small_.more = "[images]\nkeep = 2\n";
  }
  Path store(const std::string& name) const { return small_.folder.path() / (name + ".sqlite"); }
  Path shard(const std::string& name, int index, int count) const {
    return store(name + "." + std::to_string(index) + "-of-" + std::to_string(count));
  }
  Finished run(const std::string& name, std::vector<std::string> options,
               const std::function<void()>& before = {}) const {
    std::vector<std::string> arguments{"run",      small_.write(), "--store", store(name),
                                       "--device", "cpu",          "--batch", "2"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return run_program("fewstep", arguments, before);
  }
  void run_all(const std::string& name, int count) const {
    for (int index = 1; index <= count; ++index)
      ASSERT_EQ(run(name, {"--shard", std::to_string(index) + "/" + std::to_string(count)}).code, 0);
  }
  Finished merge(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "merge");
    return run_program("fewstep", arguments);
  }
  std::vector<std::string> shards(const std::string& name, int count) const {
    std::vector<std::string> all;
    for (int index = 1; index <= count; ++index) all.push_back(shard(name, index, count));
    return all;
  }
  void change(const Path& path, const std::string& sql) const {
    SQLite::Database(path.string(), SQLite::OPEN_READWRITE).exec(sql);
  }

  SmallExperiment small_;
};

TEST_F(Shards, OneTwoAndThreeMergeToTheSameTableToTheBit) {
  ASSERT_EQ(run("whole", {}).code, 0);
  const auto expected = quality(store("whole"));
  ASSERT_EQ(expected.size(), 6u);
  for (const int count : {2, 3}) {
    const std::string name = "of" + std::to_string(count);
    run_all(name, count);
    const Finished merged = merge(shards(name, count));
    ASSERT_EQ(merged.code, 0) << merged.err;
    EXPECT_THAT(merged.out, HasSubstr("CLIP score"));
    EXPECT_EQ(quality(store(name)), expected) << count;
  }
  EXPECT_EQ(run("one", {"--shard", "1/1"}).code, 0);
  EXPECT_EQ(quality(store("one")), expected);
}

TEST_F(Shards, ThatHaveNoBatchSaySo) {
  const Finished last = run("many", {"--shard", "7/7", "--limit", "3"});
  EXPECT_EQ(last.code, 0) << last.err;
  EXPECT_THAT(last.err, HasSubstr("shard 7 of 7 makes no image: a cell has 2 batches; a smaller --batch makes more"));
}

TEST_F(Shards, MergedAgainChangeNothing) {
  run_all("again", 2);
  ASSERT_EQ(merge(shards("again", 2)).code, 0);
  const auto before = quality(store("again"));
  const Finished second = merge(shards("again", 2));
  EXPECT_EQ(second.code, 0);
  EXPECT_THAT(second.err, HasSubstr("nothing is new"));
  EXPECT_EQ(quality(store("again")), before);
}

TEST_F(Shards, ThatAreMissingLeaveCellsIncompleteUntilTheyCome) {
  ASSERT_EQ(run("late", {"--shard", "1/2"}).code, 0);
  const Finished half = merge({shard("late", 1, 2)});
  EXPECT_EQ(half.code, 13);
  EXPECT_THAT(half.err, HasSubstr("6 of 6 cells lack images"));
  EXPECT_EQ(quality(store("late")).at(0).at("metrics").size(), 0u) << "no number of half the images";
  ASSERT_EQ(run("late", {"--shard", "2/2"}).code, 0);
  ASSERT_EQ(merge({shard("late", 2, 2), "-o", store("late")}).code, 0);
  ASSERT_EQ(run("whole", {}).code, 0);
  EXPECT_EQ(quality(store("late")), quality(store("whole")));
  EXPECT_TRUE(std::filesystem::exists(small_.folder.path() / "late.images"));
}

TEST_F(Shards, ThatAreKilledAreRunAgainAlone) {
  small_.captions = 40;
  ASSERT_EQ(run("killed", {"--shard", "1/2"}).code, 0);
  const Path second = shard("killed", 2, 2);
  const Finished stopped = run_program(
      "fewstep",
      {"run", small_.write(), "--store", store("killed"), "--device", "cpu", "--batch", "2", "--shard", "2/2"}, {},
      [&](int pid) {
        for (int i = 0; i < 20'000 && !std::filesystem::exists(second); ++i) ::usleep(1000);
        ::usleep(200'000);
        ::kill(pid, SIGKILL);
      });
  EXPECT_EQ(stopped.code, 128 + SIGKILL);
  ASSERT_EQ(run("killed", {"--shard", "2/2"}).code, 0);
  ASSERT_EQ(merge(shards("killed", 2)).code, 0);
  ASSERT_EQ(run("whole", {}).code, 0);
  EXPECT_EQ(quality(store("killed")), quality(store("whole")));
}

TEST_F(Shards, AreNumberedByTorchrunSlurmAndMpi) {
  const Finished first = run("launched", {}, [] {
    ::setenv("RANK", "0", 1);
    ::setenv("WORLD_SIZE", "2", 1);
  });
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_THAT(first.err, HasSubstr("shard 1 of 2, from RANK and WORLD_SIZE (--shard 1/1 makes all of it here)"));
  const Finished second = run("launched", {}, [] {
    ::setenv("SLURM_PROCID", "1", 1);
    ::setenv("SLURM_NTASKS", "2", 1);
  });
  ASSERT_EQ(second.code, 0) << second.err;
  EXPECT_EQ(merge(shards("launched", 2)).code, 0);
  const Finished whole = run("told", {"--shard", "1/1"}, [] {
    ::setenv("RANK", "0", 1);
    ::setenv("WORLD_SIZE", "2", 1);
  });
  EXPECT_EQ(whole.code, 0);
  EXPECT_EQ(quality(store("told")), quality(store("launched")));
}

TEST_F(Shards, OfAnotherExperimentAreRefused) {
  ASSERT_EQ(run("ours", {"--shard", "1/2"}).code, 0);
  ASSERT_EQ(run("ours", {"--shard", "2/2", "--set", "seed=6"}).code, 0);
  const Finished merged = merge(shards("ours", 2));
  EXPECT_EQ(merged.code, 3);
  EXPECT_THAT(merged.err, HasSubstr("got others: /seed"));
}

TEST_F(Shards, OfOtherMachinesAreTakenOnRequestAlone) {
  run_all("machines", 2);
  change(shard("machines", 2, 2),
         "UPDATE environment SET json = replace(json, '\"cpu\":', '\"cpu\":\"Another CPU\",\"was\":')");
  const Finished refused = merge(shards("machines", 2));
  EXPECT_EQ(refused.code, 3);
  EXPECT_THAT(refused.err, HasSubstr("got of \"Another CPU\""));
  EXPECT_THAT(refused.err, HasSubstr("--mixed"));
  auto mixed = shards("machines", 2);
  mixed.push_back("--mixed");
  EXPECT_EQ(merge(mixed).code, 0);
}

TEST_F(Shards, ThatContradictEachOtherAreRefusedAndNothingIsMerged) {
  ASSERT_EQ(run("a", {"--shard", "1/2"}).code, 0);
  ASSERT_EQ(run("b", {"--shard", "1/2"}).code, 0);
  change(shard("b", 1, 2),
         "UPDATE sample SET image_sha256 = substr(image_sha256, 2) || substr(image_sha256, 1, 1) WHERE id = 3");
  const Finished merged = merge({shard("a", 1, 2), shard("b", 1, 2), "-o", store("both")});
  EXPECT_EQ(merged.code, 3);
  EXPECT_THAT(merged.err, HasSubstr("nothing was merged"));
  for (const char* beside : {".sqlite", ".sqlite-wal", ".sqlite-lock", ".features", ".images"})
    EXPECT_FALSE(std::filesystem::exists(small_.folder.path() / (std::string("both") + beside))) << beside;
}

TEST_F(Shards, ThatAreRefusedLeaveAnOutputThatWasThereBefore) {
  run_all("there", 2);
  ASSERT_EQ(merge(shards("there", 2)).code, 0);
  const auto before = quality(store("there"));
  EXPECT_EQ(merge({small_.folder.path() / "gone.1-of-2.sqlite", "-o", store("there")}).code, 3);
  EXPECT_EQ(quality(store("there")), before);
}

TEST_F(Shards, WithDamagedFeaturesOrNoStoreAtAllAreRefused) {
  EXPECT_EQ(merge({small_.folder.path() / "gone.1-of-2.sqlite"}).code, 3);
  EXPECT_EQ(merge({small_.write()}).code, 2) << "no name of a shard";
  ASSERT_EQ(run("own", {"--shard", "1/2"}).code, 0);
  EXPECT_EQ(merge({shard("own", 1, 2), "-o", shard("own", 1, 2)}).code, 2);
}

}  // namespace
}  // namespace fewstep
