#include "checkpoints/evaluator.h"

#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

namespace fewstep {
namespace {

// How many of some questions reach the network.
std::int64_t computed(const std::vector<std::pair<EvaluationKey, Tensor>>& questions) {
  EvaluationMemo memo;
  std::int64_t asked = 0;
  for (const auto& [key, x] : questions) memo.find_or_make(key, x, [&] { return at::full({1}, ++asked); });
  EXPECT_LE(asked, memo.computed());
  return memo.computed();
}

TEST(EvaluationMemo, GivesTheAnswerOfAnEqualQuestionAgain) {
  EvaluationMemo memo;
  const Tensor x = at::full({1, 4, 2, 2}, 0.25);
  const Tensor first = memo.find_or_make({999, 1, false}, x, [] { return at::full({1}, 7); });
  const Tensor again =
      memo.find_or_make({999, 1, false}, x.clone(), []() -> Tensor { throw std::logic_error("asked"); });
  EXPECT_EQ(again.item<float>(), first.item<float>());
  EXPECT_EQ(memo.computed(), 1);
}

TEST(EvaluationMemo, AsksAnewWhereTimeOmegaGuidanceOrABitOfXDiffers) {
  const Tensor x = at::full({1, 4, 2, 2}, 0.25);
  Tensor last_bit = x.clone();
  last_bit.mutable_data_ptr<float>()[15] = std::nextafter(0.25f, 1.0f);
  EXPECT_EQ(computed({{{999, 1, false}, x}, {{499, 1, false}, x}, {{999, 2, false}, x}, {{999, 1, false}, last_bit}}),
            4);
  EXPECT_EQ(computed({{{999, 0, false}, x}, {{999, 0, true}, x}}), 3) << "guidance is two evaluations";
}

TEST(EvaluationMemo, TellsZeroFromMinusZeroAndKnowsNanAgain) {
  const Tensor zero = at::zeros({1, 4, 2, 2}), nan = at::full({1, 4, 2, 2}, std::nan(""));
  EXPECT_EQ(computed({{{999, 1, false}, zero}, {{999, 1, false}, zero.neg()}}), 2);
  EXPECT_EQ(computed({{{999, 1, false}, nan}, {{999, 1, false}, nan.clone()}}), 1);
}

}  // namespace
}  // namespace fewstep
