#include "harness/generate/plan.h"

#include <gmock/gmock.h>

namespace fewstep {
namespace {

using Pairs = std::vector<std::pair<std::int64_t, int>>;

Plan plan_of(std::size_t prompts, int images_per_prompt) {
  Plan plan;
  for (std::size_t i = 0; i < prompts; ++i) {
    plan.texts.push_back("caption");
    plan.rows.push_back(static_cast<std::int64_t>(10 * i));
  }
  plan.images_per_prompt = images_per_prompt;
  return plan;
}

TEST(MissingBatches, CoverEveryImageOnceInOrder) {
  const Plan plan = plan_of(5, 3);
  const auto batches = missing_batches(plan, {}, 4);
  ASSERT_EQ(batches.size(), 4u);
  EXPECT_EQ(batches[0], (std::vector<ImageKey>{{0, 0}, {0, 1}, {0, 2}, {1, 0}}));
  EXPECT_EQ(batches[3], (std::vector<ImageKey>{{4, 0}, {4, 1}, {4, 2}}));
  EXPECT_EQ(count_images(batches), 15);
}

// A batch is made whole, also where all but one of its images are there: rounding follows its shape.
TEST(MissingBatches, AreTheGroupsOfThePlanWhereSomeAreFinished) {
  const Plan plan = plan_of(4, 2);
  const Pairs finished{{0, 0}, {0, 1}, {10, 0}, {10, 1}, {20, 1}};  // the first batch, and one of the second
  const auto batches = missing_batches(plan, finished, 4);
  ASSERT_EQ(batches.size(), 1u);
  EXPECT_EQ(batches[0], (std::vector<ImageKey>{{2, 0}, {2, 1}, {3, 0}, {3, 1}}));
}

TEST(MissingBatches, AreNoneWhereAllIsFinished) {
  EXPECT_TRUE(missing_batches(plan_of(1, 2), Pairs{{0, 0}, {0, 1}}, 1).empty());
}

}  // namespace
}  // namespace fewstep
