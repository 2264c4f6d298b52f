// The order in which cells are timed, and when warming up ends, on made-up times.
#include "harness/run/timing.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

namespace fewstep {
namespace {

TEST(TimingVisits, GoThroughAllCellsInEveryRoundAndBackInTheNext) {
  const auto visits = timing_visits(3, 10);
  ASSERT_EQ(visits.size(), 5u * 3);
  std::map<std::size_t, std::set<int>> repetitions;
  for (std::size_t i = 0; i < visits.size(); ++i) {
    const auto& visit = visits[i];
    EXPECT_EQ(visit.round, static_cast<int>(i / 3));
    EXPECT_EQ(visit.timed, visit.round % 2 == 0 ? i % 3 : 2 - i % 3);
    for (int r = 0; r < visit.repetitions; ++r)
      EXPECT_TRUE(repetitions[visit.timed].insert(visit.first_repetition + r).second) << "each repetition once";
  }
  for (const auto& [timed, all] : repetitions) {
    EXPECT_EQ(all.size(), 10u);
    EXPECT_EQ(*all.rbegin(), 9);
  }
}

TEST(TimingVisits, AreAtLeastThreeRoundsWhereThereAreAsManyRepetitions) {
  const auto rounds = [](int repetitions) {
    std::set<int> all;
    for (const TimingVisit& visit : timing_visits(4, repetitions)) all.insert(visit.round);
    return all.size();
  };
  EXPECT_EQ(rounds(1), 1u);
  EXPECT_EQ(rounds(3), 3u);
  EXPECT_EQ(rounds(4), 4u);
  EXPECT_EQ(rounds(7), 5u);
  EXPECT_EQ(rounds(100), 5u);
}

class WarmUp : public testing::Test {
 protected:
  // How many repetitions it takes of these times; the last goes on for ever.
  int count(int warmup, int round, std::vector<double> times) const {
    std::size_t done = 0;
    warm_up(warmup, round, [&] {
      const double ms = times[std::min(done, times.size() - 1)];
      ++done;
      return StageTimes{0, ms, 0};
    });
    return static_cast<int>(done);
  }
};

TEST_F(WarmUp, EndsWhenTwoRepetitionsAgree) {
  EXPECT_EQ(count(1, 0, {100, 50, 30, 29}), 4);
  EXPECT_EQ(count(1, 0, {30, 30}), 2);
  EXPECT_EQ(count(3, 0, {30, 30, 30}), 3) << "as many as were asked for, at least";
}

TEST_F(WarmUp, IsBoundedWhereTheyNeverDo) {
  EXPECT_EQ(count(2, 0, {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048}), 8);
}

TEST_F(WarmUp, IsOneRepetitionInLaterRoundsAndNoneWhereNoneIsWanted) {
  EXPECT_EQ(count(3, 1, {100, 50}), 1);
  EXPECT_EQ(count(0, 0, {100, 50}), 0);
  EXPECT_EQ(count(0, 2, {100, 50}), 0);
}

}  // namespace
}  // namespace fewstep
