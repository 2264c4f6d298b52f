#include "harness/paired.h"

#include "core/error.h"
#include "temporary.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fewstep {
namespace {

TEST(PairedDifference, IsTheMeanOverSeedsWithPromptsAsUnits) {
  const Contributions a{10, {3, 5, 8}, {1, 0, -1}}, b{7, {3, 5, 8}, {0, 1, -1}};
  const std::vector<Contributions> one_a{a}, one_b{b};
  const PairedDifference one = paired_difference(one_a, one_b);
  EXPECT_DOUBLE_EQ(one.value, 3);
  EXPECT_DOUBLE_EQ(one.standard_error, std::sqrt(3.0 / 2 * (1 + 1)) / 3);  // deviations 1, -1, 0
  // A second seed in which nothing differs halves both.
  const std::vector<Contributions> two_a{a, b}, two_b{b, b};
  EXPECT_DOUBLE_EQ(paired_difference(two_a, two_b).value, 1.5);
  EXPECT_DOUBLE_EQ(paired_difference(two_a, two_b).standard_error, one.standard_error / 2);
}

TEST(PairedDifference, OfACellWithItselfIsExactlyZero) {
  const std::vector<Contributions> a{{10, {1, 2}, {0.3, -0.3}}};
  EXPECT_EQ(paired_difference(a, a).value, 0);
  EXPECT_EQ(paired_difference(a, a).standard_error, 0);
}

TEST(PairedDifference, NeedsTheSamePrompts) {
  const std::vector<Contributions> a{{10, {1, 2}, {0.3, -0.3}}}, b{{10, {1, 3}, {0.3, -0.3}}};
  EXPECT_FEWSTEP_ERROR(paired_difference(a, b), ExitCode::kInput, "expected the same prompts in both cells");
  EXPECT_FEWSTEP_ERROR(paired_difference(a, {}), ExitCode::kInput, "expected as many seeds");
}

}  // namespace
}  // namespace fewstep
