// The headline's claim: not worse by more than the margin, and how often it is made where it is wrong.
#include "reports/not_worse.h"

#include "metrics/clustered_error.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstdio>
#include <numeric>
#include <random>
#include <vector>

namespace fewstep {
namespace {

MetricGap gap(double excess, double error, double margin, double df = 999) { return {excess, error, df, margin}; }

TEST(NotWorse, IsTheCellOfFewestForwardsWhoseMetricsAreAllInside) {
  const std::vector<CellGap> cells{{8, 1000, {gap(0, 0.01, 0.2), gap(0, 0.1, 0.6)}},
                                   {4, 1000, {gap(0.1, 0.01, 0.2), gap(-3, 0.1, 0.6)}},
                                   {2, 1000, {gap(0.19, 0.01, 0.2), gap(-3, 0.1, 0.6)}},
                                   {1, 1000, {}}};
  EXPECT_EQ(choose_not_worse(cells, 0.05).cell, 1U) << "0.19 + 2.5 × 0.01 is beyond 0.2; a cell without numbers claims "
                                                       "nothing";
}

TEST(NotWorse, SaysHowManyPromptsWouldSettleIt) {
  // t quantile at 0.05 / 2 with 999 degrees of freedom: 1.96234.
  const std::vector<CellGap> cells{{1, 1000, {gap(0.3, 0.01, 0.2)}}, {2, 1000, {gap(0.1, 0.1, 0.2)}}};
  const NotWorse open = choose_not_worse(cells, 0.05);
  EXPECT_FALSE(open.cell);
  EXPECT_EQ(open.prompts_needed, std::ceil(1.96234146 * 1.96234146 * 1000));
  EXPECT_FALSE(choose_not_worse(std::vector{cells[0]}, 0.05).prompts_needed) << "beyond the margin";
  EXPECT_FALSE(choose_not_worse({}, 0.05).prompts_needed);
}

// Four step counts of a student against a teacher's cell, whose own noise they share. Prompts of a skewed distribution.
std::vector<CellGap> simulated_table(std::mt19937_64& random, int prompts, double true_excess) {
  constexpr double kMargin = 0.2, kSpread = 0.7;
  std::exponential_distribution<double> skewed(1);
  const auto draws = [&] {
    std::vector<double> values(static_cast<std::size_t>(prompts));
    for (double& value : values) value = kSpread * (skewed(random) - 1);
    return values;
  };
  const std::vector<double> teacher = draws();
  std::vector<CellGap> cells;
  for (const double forwards : {1, 2, 4, 8}) {
    std::vector<double> differences = draws();
    for (std::size_t i = 0; i < differences.size(); ++i) differences[i] += true_excess - teacher[i];
    const double mean = std::accumulate(differences.begin(), differences.end(), 0.0) / prompts;
    // The second metric is surely inside, so that the first decides.
    cells.push_back(
        {forwards,
         prompts,
         {gap(mean, standard_error_of_mean(differences), kMargin, prompts - 1), gap(-1, 0.01, 0.6, prompts - 1)}});
  }
  return cells;
}

double claimed(int prompts, double true_excess, int tables) {
  std::mt19937_64 random(20261129);
  int claims = 0;
  for (int i = 0; i < tables; ++i)
    claims += choose_not_worse(simulated_table(random, prompts, true_excess), 0.05).cell.has_value();
  return static_cast<double>(claims) / tables;
}

TEST(NotWorse, IsClaimedWronglyInAtMostOneTableOfTwenty) {
  constexpr int kTables = 2000;
  const double bound = 0.05 + 3 * std::sqrt(0.05 * 0.95 / kTables);  // three binomial standard errors
  for (const int prompts : {100, 400, 1000}) {
    const double wrong = claimed(prompts, 0.2, kTables), power = claimed(prompts, 0, kTables);
    std::printf("%d prompts: %.2f %% wrong claims at the margin, power %.1f %% at no difference\n", prompts,
                100 * wrong, 100 * power);
    EXPECT_LE(wrong, bound) << prompts;
    EXPECT_GT(power, wrong) << prompts;
  }
}

}  // namespace
}  // namespace fewstep
