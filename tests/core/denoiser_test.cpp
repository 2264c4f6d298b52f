#include "guidance.h"

#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linspace.h>
#include <gtest/gtest.h>

namespace fewstep {
namespace {

const NoiseLevel kLevel{500, 0.6, 0.8};

TEST(Guidance, InX0EqualsGuidanceInEps) {
  const auto eps_cond = [](const at::Tensor& x) { return x.mul(0.7).sin(); };
  const auto eps_uncond = [](const at::Tensor& x) { return x.mul(0.4).cos(); };
  const auto x0 = [](const at::Tensor& x, const at::Tensor& eps, const NoiseLevel& level) {
    return x.sub(eps, level.sigma).div(level.alpha);
  };
  const double omega = 7.5;
  const Denoiser guided =
      with_guidance([&](const at::Tensor& x, const NoiseLevel& level) { return x0(x, eps_cond(x), level); },
                    [&](const at::Tensor& x, const NoiseLevel& level) { return x0(x, eps_uncond(x), level); }, omega);
  const at::Tensor x = at::linspace(-2, 2, 24, at::kDouble).reshape({1, 4, 3, 2});
  const at::Tensor eps = eps_cond(x).mul(1 + omega).sub(eps_uncond(x), omega);
  EXPECT_TRUE(at::allclose(guided(x, kLevel), x0(x, eps, kLevel), 1e-13, 1e-13));
}

TEST(Guidance, IsTheConditionalDenoiserAtOmegaZero) {
  const Denoiser cond = [](const at::Tensor& x, const NoiseLevel&) { return x.mul(2); };
  const Denoiser uncond = [](const at::Tensor& x, const NoiseLevel&) { return x.mul(3); };
  const at::Tensor x = at::linspace(-2, 2, 6, at::kDouble);
  EXPECT_TRUE(at::allclose(with_guidance(cond, uncond, 0)(x, kLevel), x.mul(2), 0, 1e-15));
  EXPECT_TRUE(at::allclose(with_guidance(cond, uncond, -1)(x, kLevel), x.mul(3), 0, 1e-15));
}

}  // namespace
}  // namespace fewstep
