#include "metrics/frechet.h"

#include "core/error.h"
#include "golden.h"
#include "metrics/clustered_error.h"
#include "metrics/hashed_images.h"
#include "temporary.h"

#include <gmock/gmock.h>

#include <numeric>
#include <random>

namespace fewstep {
namespace {

using testing::Contains;

Gaussian gaussian_of(const std::vector<float>& rows, std::int64_t width) {
  FeatureStatistics statistics;
  accumulate(statistics, rows, width);
  return fit(statistics);
}

std::vector<std::int64_t> own_groups(std::size_t count) {
  std::vector<std::int64_t> groups(count);
  std::iota(groups.begin(), groups.end(), 0);
  return groups;
}

TEST(Frechet, EqualsScipysFormulaAlsoWithFewerRowsThanDimensions) {
  double worst = 0, worst_exact = 0;
  const auto cases = golden_json("metrics/frechet.json");
  EXPECT_GE(cases.size(), 40u);
  for (const auto& c : cases) {
    const std::string name = c.at("name");
    const std::int64_t count = c.at("count"), width = c.at("width");
    const auto rows = hashed_rows(name, count, width, c.at("shift"), c.at("scale"));
    const auto reference = hashed_rows(name + " reference", c.at("reference"), width, 0, c.at("scale"));
    const double exact = c.at("exact"), scipy = c.at("scipy");
    const Gaussian other = gaussian_of(reference, width);
    const double from_moments = frechet_distance(gaussian_of(rows, width), other);
    const Score score = frechet_score(rows, width, own_groups(static_cast<std::size_t>(count)), other);
    EXPECT_NEAR(from_moments, exact, 1e-6 * exact) << c;
    EXPECT_NEAR(score.value, exact, 1e-6 * exact) << c;
    // scipy itself is off by more than this where the covariance has no full rank: then the exact value is the judge.
    const bool scipy_is_right = std::abs(scipy - exact) < 1e-7 * exact;
    if (scipy_is_right) {
      EXPECT_NEAR(score.value, scipy, 1e-6 * scipy) << c;
    }
    worst = std::max(worst, std::abs(score.value - exact) / exact);
    worst_exact = std::max(worst_exact, std::abs(scipy - exact) / exact);
    EXPECT_EQ(score.count, count);
    EXPECT_EQ(std::count(score.flags.begin(), score.flags.end(), "rank-deficient"), count <= width);
    EXPECT_EQ(std::isnan(score.standard_error), count <= width);
  }
  std::printf("%zu cases: relative difference from the exact value at most %.1e (scipy's: %.1e)\n", cases.size(), worst,
              worst_exact);
}

TEST(Frechet, IsZeroForIdenticalStatisticsAndSymmetric) {
  const Gaussian a = gaussian_of(hashed_rows("a", 500, 32), 32), b = gaussian_of(hashed_rows("b", 400, 32, 0.5), 32);
  EXPECT_NEAR(frechet_distance(a, a), 0, 1e-12);
  EXPECT_NEAR(frechet_distance(a, b), frechet_distance(b, a), 1e-12 * frechet_distance(a, b));
}

TEST(Frechet, OfShiftedAndScaledGaussiansHasAClosedForm) {
  Gaussian a{0, Eigen::VectorXd::Zero(3), Eigen::Vector3d(1, 4, 9).asDiagonal()};
  Gaussian b{0, Eigen::Vector3d(1, 2, 2), Eigen::Vector3d(4, 4, 1).asDiagonal()};
  EXPECT_NEAR(frechet_distance(a, b), 9 + 1 + 0 + 4, 1e-12);  // ‖μ‖² + Σ (σ1 − σ2)²
}

TEST(Frechet, StandardErrorIsThatOfLeavingOnePromptOut) {
  constexpr std::int64_t kWidth = 6, kImages = 900, kPerPrompt = 3;
  const auto rows = hashed_rows("jackknife", kImages, kWidth, 0.1);
  const Gaussian reference = gaussian_of(hashed_rows("jackknife reference", 800, kWidth), kWidth);
  std::vector<std::int64_t> groups;
  for (std::int64_t i = 0; i < kImages; ++i) groups.push_back(i / kPerPrompt);
  const Score score = frechet_score(rows, kWidth, groups, reference);

  constexpr std::int64_t kGroups = kImages / kPerPrompt;
  std::vector<double> without;
  for (std::int64_t g = 0; g < kGroups; ++g) {
    auto fewer = rows;
    fewer.erase(fewer.begin() + g * kPerPrompt * kWidth, fewer.begin() + (g + 1) * kPerPrompt * kWidth);
    without.push_back(frechet_distance(gaussian_of(fewer, kWidth), reference));
  }
  const double mean = std::accumulate(without.begin(), without.end(), 0.0) / kGroups;
  double sum = 0;
  for (const double value : without) sum += (value - mean) * (value - mean);
  const double jackknife = std::sqrt(sum * (kGroups - 1) / kGroups);
  EXPECT_NEAR(score.standard_error, jackknife, 0.02 * jackknife);
}

TEST(Frechet, InfluenceSumsToZeroAndIsTheDerivative) {
  const auto rows = hashed_rows("influence", 200, 5);
  const Gaussian reference = gaussian_of(hashed_rows("influence reference", 300, 5, 0.2), 5);
  const auto influence = frechet_influence(rows, 5, reference);
  EXPECT_NEAR(std::accumulate(influence.begin(), influence.end(), 0.0), 0, 1e-9);
  // Each row a million times, one of them once more: the distance moves by influence / N.
  FeatureStatistics many;
  accumulate(many, rows, 5);
  constexpr double kTimes = 1e6;
  many.count = static_cast<std::int64_t>(kTimes) * 200;
  many.m2 *= kTimes;
  FeatureStatistics more = many, one;
  accumulate(one, std::span(rows).first(5), 5);
  one.count = 1000;  // the derivative is small: a thousand copies
  merge(more, one);
  const double moved = frechet_distance(fit(more), reference) - frechet_distance(fit(many), reference);
  EXPECT_NEAR(moved * static_cast<double>(more.count) / 1000, influence[0], 0.02 * std::abs(influence[0]) + 1e-3);
}

TEST(Frechet, RefusesWhatDoesNotFit) {
  const Gaussian three = gaussian_of(hashed_rows("a", 50, 3), 3), four = gaussian_of(hashed_rows("a", 50, 4), 4);
  EXPECT_FEWSTEP_ERROR(frechet_distance(three, four), ExitCode::kInput, "were both made by one network");
  Gaussian broken = three;
  broken.mean[1] = std::nan("");
  EXPECT_FEWSTEP_ERROR(frechet_distance(broken, three), ExitCode::kInput, "NaN or infinity");
  auto rows = hashed_rows("a", 50, 3);
  EXPECT_FEWSTEP_ERROR(frechet_score(rows, 3, own_groups(49), three), ExitCode::kInput, "a group for each of 50");
  rows[7] = INFINITY;
  EXPECT_FEWSTEP_ERROR(frechet_score(rows, 3, own_groups(50), three), ExitCode::kInput, "finite");
}

TEST(FeatureStatistics, DoNotDependOnHowRowsAreSplitAndMerged) {
  constexpr std::int64_t kWidth = 7, kRows = 500;
  const auto rows = hashed_rows("split", kRows, kWidth, 3.0);
  FeatureStatistics whole;
  accumulate(whole, rows, kWidth);
  std::mt19937 random(3);
  for (int round = 0; round < 20; ++round) {
    FeatureStatistics merged;
    for (std::int64_t first = 0; first < kRows;) {
      const auto size = std::min<std::int64_t>(kRows - first, 1 + static_cast<std::int64_t>(random() % 100));
      FeatureStatistics part;
      accumulate(
          part,
          std::span(rows).subspan(static_cast<std::size_t>(first * kWidth), static_cast<std::size_t>(size * kWidth)),
          kWidth);
      merge(merged, part);
      first += size;
    }
    EXPECT_EQ(merged.count, kRows);
    EXPECT_LE((merged.mean - whole.mean).norm(), 1e-13 * whole.mean.norm());
    EXPECT_LE((merged.m2 - whole.m2).norm(), 1e-12 * whole.m2.norm());
  }
}

TEST(FeatureStatistics, AreThoseOfAllRowsAndRefuseOne) {
  const std::vector<float> rows{1, 2, 3, 6, 5, 4};
  const Gaussian gaussian = gaussian_of(rows, 2);
  EXPECT_NEAR(gaussian.mean[0], 3, 1e-15);
  EXPECT_NEAR(gaussian.covariance(0, 0), 4, 1e-14);
  EXPECT_NEAR(gaussian.covariance(0, 1), 2, 1e-14);
  EXPECT_FEWSTEP_ERROR(gaussian_of({1, 2}, 2), ExitCode::kInput, "at least 2");
}

TEST(ClusteredError, OfGroupsOfOneIsTheUsualOne) {
  const std::vector<double> deviations{-2, -1, 0, 3};
  const std::vector<std::int64_t> own{0, 1, 2, 3}, pairs{0, 1, 1, 0}, all{5, 5, 5, 5};
  EXPECT_NEAR(clustered_standard_error(deviations, own), std::sqrt(4.0 / 3 * 14) / 4, 1e-15);
  EXPECT_NEAR(clustered_standard_error(deviations, pairs), std::sqrt(2.0 * 2) / 4, 1e-15);
  EXPECT_TRUE(std::isnan(clustered_standard_error(deviations, all)));
}

}  // namespace
}  // namespace fewstep
