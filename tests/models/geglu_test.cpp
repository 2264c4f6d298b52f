#include "models/geglu.h"

#include <ATen/Functions.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

namespace fewstep {
namespace {

Tensor exact(const Tensor& x) {
  const auto halves = x.to(at::kDouble).chunk(2, -1);
  return halves[0] * at::gelu(halves[1]);
}

// The largest difference, in units of what one rounding of that dtype moves a number of the largest size.
double roundings(const Tensor& x, double epsilon) {
  const c10::InferenceMode inference;
  const Tensor expected = exact(x), got = geglu(x).to(at::kDouble);
  return (got - expected).abs().max().item<double>() / std::max(1.0, expected.abs().max().item<double>()) / epsilon;
}

TEST(Geglu, EqualsFloat64WithinAFewRoundings) {
  at::manual_seed(3);
  for (const auto& sizes : std::vector<std::vector<std::int64_t>>{{2, 77, 640}, {1, 4096, 2560}, {5, 6}, {3, 1, 2}}) {
    const Tensor x = at::randn(sizes) * 3;
    EXPECT_LT(roundings(x, 1.2e-7), 2) << x.sizes();
    EXPECT_LT(roundings(x.to(at::kBFloat16), 7.8e-3), 1) << x.sizes();
  }
}

TEST(Geglu, TakesLargeSmallAndNotFiniteNumbersAsAtenDoes) {
  const c10::InferenceMode inference;
  const Tensor gates = at::tensor({-1e30f, -100.f, -6.f, -4.f, -1e-30f, -0.f, 0.f, 1e-30f, 4.f, 6.f, 100.f, 1e30f});
  const Tensor x = at::stack({at::ones_like(gates), gates}, 1);
  EXPECT_TRUE(at::allclose(geglu(x).squeeze(1), at::gelu(gates), 1e-6, 2e-6));
  const Tensor nan = at::full({1, 2}, std::nan(""));
  EXPECT_TRUE(geglu(nan).isnan().all().item<bool>());
}

TEST(Geglu, DoesNotDependOnTheNumberOfRowsAtOnce) {
  const c10::InferenceMode inference;
  const Tensor x = at::randn({300, 192});
  Tensor one_by_one = at::cat([&] {
    std::vector<Tensor> rows;
    for (std::int64_t i = 0; i < x.size(0); ++i) rows.push_back(geglu(x.slice(0, i, i + 1)));
    return rows;
  }());
  EXPECT_TRUE(geglu(x).equal(one_by_one));
}

TEST(Geglu, HasGradientsInTraining) {
  const Tensor x = at::randn({4, 6}).requires_grad_();
  EXPECT_TRUE(geglu(x).requires_grad());
}

}  // namespace
}  // namespace fewstep
