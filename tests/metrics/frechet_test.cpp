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
    const Score score = frechet_score(rows, width, own_groups(static_cast<std::size_t>(count)), other).score;
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
    EXPECT_EQ(std::isnan(score.standard_error), count < 3) << "leaving one of two images out leaves no distance";
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
  const Score score = frechet_score(rows, kWidth, groups, reference).score;

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
  const auto influence = frechet_influence(rows, 5, reference).influence;
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

// The distance's true spread is that of many samples of one size; the standard error below D must tell it. d: what the
// samples' mean lies away along every dimension.
double error_over_spread(std::int64_t count, std::int64_t width, double shift, double* ratio_to_floor) {
  constexpr int kReplications = 200;
  std::mt19937 random(20231006);
  std::normal_distribution<double> normal;
  const Gaussian reference{0, Eigen::VectorXd::Zero(width), Eigen::MatrixXd::Identity(width, width)};
  std::vector<double> values;
  double errors = 0, floor = 0;
  for (int replication = 0; replication < kReplications; ++replication) {
    std::vector<float> rows, centred;
    for (std::int64_t i = 0; i < count * width; ++i) {
      centred.push_back(static_cast<float>(normal(random)));
      rows.push_back(centred.back() + static_cast<float>(shift));
    }
    const Score score = frechet_score(rows, width, own_groups(static_cast<std::size_t>(count)), reference).score;
    values.push_back(score.value);
    errors += score.standard_error / kReplications;
    floor += frechet_distance(gaussian_of(centred, width), reference) / kReplications;
  }
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / kReplications;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  *ratio_to_floor = mean / floor;
  return errors / std::sqrt(squares / (kReplications - 1));
}

TEST(Frechet, StandardErrorBelowDIsTheTrueSpread) {
  for (const std::int64_t count : {20, 32, 45, 50, 55, 60, 64}) {
    double to_floor = 0;
    const double far = error_over_spread(count, 64, 1.2, &to_floor);
    EXPECT_GE(to_floor, 2) << count;
    EXPECT_GE(far, 0.9) << count;
    EXPECT_LE(far, 1.2) << count;
    std::printf("N = %2d, D = 64, distance %.1f times its floor: error over spread %.2f", static_cast<int>(count),
                to_floor, far);
    const double near = error_over_spread(count, 64, 0, &to_floor);
    std::printf("; at the floor %.2f\n", near);
    EXPECT_GE(near, 0.9) << count;
    EXPECT_LE(near, 1.5) << count << ": near the floor it may say more, never less";
  }
}

TEST(Frechet, BelowDIsThatOfLeavingGroupsOfPromptsOut) {
  constexpr std::int64_t kWidth = 40, kPerPrompt = 2, kImages = 36;
  const auto rows = hashed_rows("groups", kImages, kWidth, 0.3);
  const Gaussian reference = gaussian_of(hashed_rows("groups reference", 300, kWidth), kWidth);
  std::vector<std::int64_t> prompts;
  for (std::int64_t i = 0; i < kImages; ++i) prompts.push_back(7 * (i / kPerPrompt));
  const auto [score, influence] = frechet_score(rows, kWidth, prompts, reference);
  EXPECT_TRUE(influence.leave_group_out);
  EXPECT_THAT(score.flags, testing::ElementsAre("rank-deficient", "biased-upward"));

  std::vector<double> without;  // 18 prompts: a group each
  for (std::int64_t g = 0; g < 18; ++g) {
    auto fewer = rows;
    fewer.erase(fewer.begin() + g * kPerPrompt * kWidth, fewer.begin() + (g + 1) * kPerPrompt * kWidth);
    without.push_back(frechet_distance(gaussian_of(fewer, kWidth), reference));
  }
  const double mean = std::accumulate(without.begin(), without.end(), 0.0) / 18;
  double sum = 0;
  for (std::size_t g = 0; g < 18; ++g) {
    sum += (without[g] - mean) * (without[g] - mean);
    EXPECT_NEAR(influence.of_image[2 * g], 17 * (mean - without[g]), 1e-6 * std::abs(mean));
  }
  EXPECT_NEAR(score.standard_error, std::sqrt(sum * 17 / 18), 1e-6 * score.standard_error);
}

TEST(Frechet, OfOneImageIsNotGiven) {
  const Gaussian reference = gaussian_of(hashed_rows("one reference", 30, 4), 4);
  const Score score = frechet_score(hashed_rows("one", 1, 4), 4, own_groups(1), reference).score;
  EXPECT_TRUE(std::isnan(score.value));
  EXPECT_EQ(score.count, 1);
  EXPECT_THAT(score.flags, testing::ElementsAre("needs-2-images"));
}

TEST(Frechet, SaysBelowTwentyImagesADimensionThatItIsBiased) {
  const Gaussian reference = gaussian_of(hashed_rows("many reference", 300, 4), 4);
  const auto flags = [&](std::int64_t count) {
    return frechet_score(hashed_rows("many", count, 4), 4, own_groups(static_cast<std::size_t>(count)), reference)
        .score.flags;
  };
  EXPECT_THAT(flags(79), testing::ElementsAre("biased-upward"));
  EXPECT_THAT(flags(80), testing::IsEmpty());
}

TEST(FrechetInfinity, IsTheLineOfItsAuthors) {
  for (const auto& c : golden_json("metrics/frechet_infinity.json")) {
    const std::string name = c.at("name");
    const std::int64_t count = c.at("count"), width = c.at("width"), per_prompt = c.at("per_prompt");
    const auto rows = hashed_rows(name, count, width, 0.25);
    const Gaussian reference = gaussian_of(hashed_rows(name + " reference", c.at("reference"), width), width);
    std::vector<std::int64_t> prompts;
    for (std::int64_t i = 0; i < count; ++i) prompts.push_back(3 * (i / per_prompt));
    EXPECT_EQ(infinity_sizes(count, width), c.at("sizes").get<std::vector<std::int64_t>>());
    EXPECT_EQ(infinity_order(prompts), c.at("order").get<std::vector<std::size_t>>());
    const auto [score, influence] = frechet_infinity_score(rows, width, prompts, reference);
    const double expected = c.at("value");
    EXPECT_NEAR(score.value, expected, 1e-6 * std::abs(expected)) << name;
    EXPECT_TRUE(score.flags.empty());
    EXPECT_GT(score.standard_error, 0);
    EXPECT_NEAR(std::accumulate(influence.of_image.begin(), influence.of_image.end(), 0.0), 0, 1e-6);
    std::printf("%s: %.6f, relative difference %.1e\n", name.c_str(), score.value,
                std::abs(score.value - expected) / std::abs(expected));
  }
}

TEST(FrechetInfinity, IsNotGivenOfTooFewImages) {
  EXPECT_EQ(smallest_infinity_size(2048), 5000);
  EXPECT_EQ(smallest_infinity_size(64), 157);
  EXPECT_TRUE(infinity_sizes(9999, 2048).empty());
  EXPECT_EQ(infinity_sizes(10000, 2048).size(), 15u);
  const Gaussian reference = gaussian_of(hashed_rows("few reference", 300, 4), 4);
  const Score score = frechet_infinity_score(hashed_rows("few", 19, 4), 4, own_groups(19), reference).score;
  EXPECT_TRUE(std::isnan(score.value));
  EXPECT_THAT(score.flags, testing::ElementsAre("needs-20-images"));
}

// The value at 1/N = 0 does not rise with the bias of few images, and its standard error is its spread.
TEST(FrechetInfinity, HasTheSpreadThatItsErrorSays) {
  constexpr std::int64_t kWidth = 8, kImages = 400;
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  const Gaussian reference{0, Eigen::VectorXd::Zero(kWidth), Eigen::MatrixXd::Identity(kWidth, kWidth)};
  std::vector<double> values;
  double errors = 0;
  for (int replication = 0; replication < 200; ++replication) {
    std::vector<float> rows(kImages * kWidth);
    for (float& value : rows) value = normal(random) + 0.5F;
    const Score score = frechet_infinity_score(rows, kWidth, own_groups(kImages), reference).score;
    values.push_back(score.value);
    errors += score.standard_error / 200;
  }
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / 200;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const double spread = std::sqrt(squares / 199);
  EXPECT_NEAR(mean, 8 * 0.25, 3 * spread / std::sqrt(200)) << "the true distance";
  EXPECT_NEAR(errors / spread, 1, 0.2);
}

TEST(Frechet, RefusesWhatDoesNotFit) {
  const Gaussian three = gaussian_of(hashed_rows("a", 50, 3), 3), four = gaussian_of(hashed_rows("a", 50, 4), 4);
  EXPECT_FEWSTEP_ERROR(frechet_distance(three, four), ExitCode::kInput, "were both made by one network");
  Gaussian broken = three;
  broken.mean[1] = std::nan("");
  EXPECT_FEWSTEP_ERROR(frechet_distance(broken, three), ExitCode::kInput, "NaN or infinity");
  auto rows = hashed_rows("a", 50, 3);
  EXPECT_FEWSTEP_ERROR(frechet_score(rows, 3, own_groups(49), three), ExitCode::kInput, "a prompt for each of 50");
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
