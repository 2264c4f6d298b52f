#include "core/error.h"
#include "store/database.h"
#include "store/filled_store.h"
#include "store/killed.h"
#include "store/read.h"
#include "temporary.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <map>

namespace fewstep {
namespace {

using testing::ElementsAre;
using testing::Pair;

std::size_t feature_files(const std::filesystem::path& database) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(features_folder(database))) {
    EXPECT_TRUE(entry.path().filename().string().ends_with(".safetensors")) << entry.path();
    ++count;
  }
  return count;
}

struct CrashCase {
  std::string point;
  std::size_t samples = 0;  // stored after the second batch was killed there
};
void PrintTo(const CrashCase& given, std::ostream* out) { *out << given.point; }

class StoreCrash : public testing::TestWithParam<CrashCase> {};

TEST_P(StoreCrash, ABatchIsStoredWholeOrNotAtAll) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.sqlite";
  run_until_killed(GetParam().point, 2, [&] {
    FilledStore filled(path);
    filled.add_batch(0, 3);
    filled.add_batch(3, 4);
  });
  {
    FilledStore filled(path);  // the lock died with its holder
    const std::vector<std::int64_t> metrics{filled.clip, filled.fid};
    EXPECT_EQ(filled.store.finished(filled.series, metrics).size(), GetParam().samples);
    EXPECT_EQ(filled.store.finished(filled.series, {}).size(), GetParam().samples);
    EXPECT_EQ(read_runs(filled.store).at(0).state, kEndedWithoutAWord);
    // The same batches again complete it.
    filled.add_batch(0, 3);
    filled.add_batch(3, 4);
    EXPECT_EQ(filled.store.finished(filled.series, metrics).size(), 7u);
    EXPECT_EQ(check_features(filled.store), 2);
    const std::vector<std::int64_t> wanted{5};
    EXPECT_THAT(filled.store.rows(filled.series, filled.fid, wanted, 1).values, ElementsAre(5.f, 5.5f, -5.f));
  }
  EXPECT_EQ(feature_files(path), 2u);
}

INSTANTIATE_TEST_SUITE_P(Points, StoreCrash,
                         testing::Values(CrashCase{"features written", 3}, CrashCase{"before commit", 3},
                                         CrashCase{"after commit", 7}),
                         [](const auto& point) {
                           std::string name = point.param.point;
                           name.replace(name.find(' '), 1, "_");
                           return name;
                         });

TEST(StoreCrashes, TemporariesOfAKilledWriterAreRemoved) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.sqlite";
  { FilledStore(path).add_batch(0, 2); }
  const auto torn = folder.write("a.features/" + std::string(64, 'a') + ".safetensors.tmp-Xy12zQ", "torn");
  { auto reader = Store::open(path, Store::Mode::kRead); }
  EXPECT_TRUE(std::filesystem::exists(torn));  // a reader touches nothing
  { auto writer = Store::open(path, Store::Mode::kWrite); }
  EXPECT_FALSE(std::filesystem::exists(torn));
  EXPECT_EQ(feature_files(path), 1u);
}

// With FEWSTEP_TORTURE=1 more often: SIGKILL from outside at any moment of a stream of batches.
TEST(StoreCrashes, KillingAtRandomMomentsLeavesNoTornBatch) {
  const int rounds = std::getenv("FEWSTEP_TORTURE") ? 200 : 8;
  const TemporaryFolder folder;
  const auto path = folder.path() / "a.sqlite";
  std::srand(20231006);
  for (int round = 0; round < rounds; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      FilledStore filled(path);
      for (int n = 0;; ++n) {
        const int prompt = (round * 3 + n) % 10;
        const int image = round * 100'000 + n;  // of this batch alone
        const std::vector<SampleRow> samples{sample_row(prompt, image), sample_row((prompt + 1) % 10, image)};
        const auto number = static_cast<float>(n);
        const std::vector<MetricRows> metrics{{filled.clip, 1, {number, -number}},
                                              {filled.fid, 3, {number, 1, 2, -number, 4, static_cast<float>(round)}}};
        try {
          filled.store.add_batch(filled.run, filled.series, samples, metrics);
        } catch (const Error&) {
          ::_exit(1);
        }
      }
    }
    ::usleep(static_cast<useconds_t>(20'000 + std::rand() % 60'000));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child met an error";
    FilledStore filled(path);
    const std::vector<std::int64_t> metrics{filled.clip, filled.fid};
    const auto whole = filled.store.finished(filled.series, metrics);
    EXPECT_EQ(whole.size(), filled.store.finished(filled.series, {}).size());
    check_features(filled.store);
    std::map<int, int> batches;
    for (const auto& [prompt, image] : whole) ++batches[image];
    for (const auto& [image, count] : batches) EXPECT_EQ(count, 2) << "half a batch of two";
  }
}

}  // namespace
}  // namespace fewstep
