// Stopping a run in every way and starting it again ends in the same store.
#include "core/files.h"
#include "harness/small_experiment.h"

#include <SQLiteCpp/SQLiteCpp.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <functional>
#include <random>

namespace fewstep {
namespace {

using testing::HasSubstr;

using Results = std::map<std::string, std::string>;

// All that a finished run leaves: images, rows of metrics, scores of the latest run.
Results results_of(const std::filesystem::path& store) {
  SQLite::Database database(store.string(), SQLite::OPEN_READONLY);
  Results results;
  const auto add = [&](const std::string& kind, const std::string& query) {
    SQLite::Statement select(database, query);
    while (select.executeStep())
      results[kind + " " + select.getColumn(0).getString()] = select.getColumn(1).getString();
  };
  const std::string key = "series_id || ' ' || prompt.row || ' ' || image_index";
  add("image", "SELECT " + key + ", image_sha256 FROM sample JOIN prompt ON prompt.id = prompt_id");
  add("metric", "SELECT " + key +
                    " || ' ' || metric_id, value FROM sample_metric JOIN sample ON sample.id = sample_id "
                    "JOIN prompt ON prompt.id = prompt_id");
  add("score",
      "SELECT series_id || ' ' || metric_id, value || ' ' || standard_error FROM score WHERE run_id = "
      "(SELECT max(id) FROM run)");
  return results;
}

std::int64_t samples_of(const std::filesystem::path& store) {
  SQLite::Database database(store.string(), SQLite::OPEN_READONLY);
  return database.execAndGet("SELECT count(*) FROM sample").getInt64();
}

class Resume : public testing::Test {
 protected:
  Resume() {
    for (SmallExperiment* one : {&whole_, &stopped_}) {
      one->captions = 24;
      one->steps = "[2, 8]";
    }
  }
  Results uninterrupted() const {
    const Finished finished = whole_.run({"--batch", "2"});
    EXPECT_EQ(finished.code, 0) << finished.err;
    return results_of(whole_.store());
  }

  // Sends a signal once ready() says so.
  Finished stop_when(const std::function<bool()>& ready, int signal) const {
    return run_program("fewstep", stopped_.run_arguments({"--batch", "2"}), {}, [&](int pid) {
      for (int i = 0; i < 20'000 && !ready(); ++i) ::usleep(1000);
      ::kill(pid, signal);
    });
  }
  bool has_samples() const {
    try {
      return samples_of(stopped_.store()) > 0;
    } catch (const SQLite::Exception&) {
      return false;  // the store or its tables are not there yet
    }
  }

  SmallExperiment whole_, stopped_;
};

TEST_F(Resume, AfterSigkillAtRandomMomentsGivesTheResultsOfAnUninterruptedRun) {
  const Results expected = uninterrupted();
  const int rounds = std::getenv("FEWSTEP_TORTURE") ? 60 : 3;
  std::mt19937 random(20231006);
  int killed = 0;
  for (int round = 0; round < rounds; ++round) {
    if (round % 6 == 0) {  // a fresh store now and then: a complete one has nothing left to interrupt
      for (const char* end : {".sqlite", ".sqlite-wal", ".sqlite-shm"})
        std::filesystem::remove(stopped_.folder.path() / (std::string("small") + end));
    }
    int milliseconds = static_cast<int>(random() % 400);  // after the store is there
    const auto ready = [&] { return std::filesystem::exists(stopped_.store()) && milliseconds-- == 0; };
    killed += stop_when(ready, SIGKILL).code == 128 + SIGKILL;
  }
  EXPECT_GT(killed, 0);
  ASSERT_EQ(stopped_.run({"--batch", "2"}).code, 0);
  EXPECT_EQ(results_of(stopped_.store()), expected);
}

TEST_F(Resume, AfterCtrlCStopsBehindTheBatchAndSaysHowToGoOn) {
  const Results expected = uninterrupted();
  const Finished finished = stop_when([&] { return has_samples(); }, SIGINT);
  ASSERT_EQ(finished.code, 75) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr("the same command continues"));
  const auto samples = samples_of(stopped_.store());
  EXPECT_GT(samples, 0);
  EXPECT_LT(samples, 48);
  const auto report = stopped_.report();
  EXPECT_EQ(report.at("cells").at(0).at("metrics").size(), 0u) << "an incomplete cell has no number";
  EXPECT_NE(report.at("cells").at(0).at("state"), "complete");
  ASSERT_EQ(stopped_.run({"--batch", "2"}).code, 0);
  EXPECT_EQ(results_of(stopped_.store()), expected);
}

TEST_F(Resume, AfterAStopBeforeTheFirstTableBeginsAnew) {
  const Results expected = uninterrupted();
  {
    SQLite::Database(stopped_.store().string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE)
        .exec("PRAGMA journal_mode = WAL");
  }
  const Finished finished = stopped_.run({"--batch", "2"});
  ASSERT_EQ(finished.code, 0) << finished.err;
  EXPECT_EQ(results_of(stopped_.store()), expected);
}

TEST_F(Resume, AfterAFullDiskLosesNothing) {
  const Results expected = uninterrupted();
  const Finished finished = run_program("fewstep", stopped_.run_arguments({"--batch", "2"}), [] {
    ::signal(SIGXFSZ, SIG_IGN);  // a write beyond the limit fails, as on a full disk
    const rlimit limit{300'000, 300'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  });
  EXPECT_EQ(finished.code, 4);
  EXPECT_LE(std::count(finished.err.begin(), finished.err.end(), '\n'), 5) << finished.err;
  EXPECT_THAT(finished.err, HasSubstr(stopped_.store().string()));
  const auto samples = samples_of(stopped_.store());
  EXPECT_GT(samples, 0);
  EXPECT_LT(samples, 48);
  ASSERT_EQ(stopped_.run({"--batch", "2"}).code, 0);
  EXPECT_EQ(results_of(stopped_.store()), expected);
}

}  // namespace
}  // namespace fewstep
