#include "verdicts/statistics.h"
#include "metrics/student.h"

#include <gmock/gmock.h>

#include <cmath>

namespace fewstep {
namespace {

// scipy.stats.t.sf and .isf, 1.17.1.
TEST(Student, TailsAreScipys) {
  const double cases[][3] = {{0, 5, 0.5},
                             {2.0, 4, 0.05805826175840778},
                             {-1.5, 10, 0.9177463367772799},
                             {3.5, 24, 0.0009211821773320097},
                             {6.0, 999, 1.3781345344522111e-09},
                             {1.0, 1.5, 0.22556768363835517}};
  for (const auto& [t, df, tail] : cases) EXPECT_NEAR(student_tail(t, df) / tail, 1, 1e-12) << t << " " << df;
  EXPECT_EQ(student_tail(INFINITY, 3), 0);
  EXPECT_EQ(student_tail(-INFINITY, 3), 1);
}

TEST(Student, QuantilesAreScipys) {
  const double cases[][3] = {{0.05, 4, 2.131846786326651},
                             {0.00125, 99, 3.1026167992264724},
                             {0.025, 24, 2.063898561628026},
                             {1e-9, 500, 6.1104699508084925},
                             {0.9, 7, -1.4149239276505086}};
  for (const auto& [tail, df, t] : cases) EXPECT_NEAR(student_quantile(tail, df) / t, 1, 1e-10) << tail << " " << df;
}

TEST(Holm, StepsDownAndStopsAtTheFirstThatIsKept) {
  // .01 ≤ .05/4, .013 ≤ .05/3, .03 > .05/2: the last is kept, too, though .04 ≤ .05.
  EXPECT_EQ(holm(std::vector{0.04, 0.01, 0.03, 0.013}, 0.05), (std::vector{false, true, false, true}));
  EXPECT_EQ(holm(std::vector{0.05}, 0.05), (std::vector{true}));
  EXPECT_TRUE(holm({}, 0.05).empty());
  EXPECT_EQ(holm(std::vector{std::nan(""), 0.001}, 0.05), (std::vector{false, true})) << "what is no number is kept";
}

// scipy.stats.ttest_ind(b, a, equal_var=False).
TEST(Welch, IsScipys) {
  const WelchDifference difference = welch(std::vector{1.0, 2.0, 4.0}, std::vector{3.0, 5.0, 6.5, 7.0});
  EXPECT_NEAR(difference.value, 3.0416666666666665, 1e-14);
  EXPECT_NEAR(difference.value / difference.standard_error, 2.415947381973458, 1e-12);
  EXPECT_NEAR(difference.df, 4.8343298903304, 1e-12);
}

}  // namespace
}  // namespace fewstep
