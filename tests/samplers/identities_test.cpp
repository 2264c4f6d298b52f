// What DDIM, DPM-Solver and DPM-Solver++ share on one grid, to the last bit.
#include "closed_form.h"
#include "core/device.h"
#include "core/tensor.h"
#include "samplers/registry.h"
#include "samplers/steps.h"

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace fewstep {
namespace {

struct Trace {
  std::vector<at::Tensor> inputs;  // of each evaluation
  at::Tensor out;
};

at::Tensor start() { return image_rng(std::vector<std::uint64_t>{1, 2}).normal({2, 4, 5, 3}); }

Trace trace(std::string_view name, const std::vector<NoiseLevel>& levels, at::Device device = at::kCPU) {
  Trace result;
  const Denoiser network = closed_form_denoiser(Predicts::kEps, 0.25);
  const Denoiser recording = [&](const at::Tensor& x, const NoiseLevel& level) {
    result.inputs.push_back(x.clone());
    return network(x, level);
  };
  Rng none;
  result.out = find_sampler(name).run(recording, start().to(device), levels, none);
  return result;
}

std::vector<std::vector<NoiseLevel>> all_grids(int steps) {
  std::vector<std::vector<NoiseLevel>> grids;
  for (const auto spacing : {Spacing::kTrailing, Spacing::kLeading, Spacing::kLinspace}) {
    for (const auto family : {GridFamily::kDdim, GridFamily::kDpm}) {
      for (const auto final_sigma : {FinalSigma::kZero, FinalSigma::kMin}) {
        grids.push_back(make_grid(stable_diffusion(),
                                  {.steps = steps, .grid = {spacing}, .final_sigma = final_sigma, .family = family}));
      }
    }
  }
  return grids;
}

TEST(OneGrid, MakesDdimDpmAndDpmPlusPlusEqualToTheBitAtOneAndTwoSteps) {
  for (const int steps : {1, 2}) {
    for (const auto& levels : all_grids(steps)) {
      const Trace ddim = trace("ddim", levels);
      for (const auto* name : {"dpm", "dpm++", "guided-distill"}) {
        EXPECT_TRUE(at::equal(trace(name, levels).out, ddim.out)) << name << " N=" << steps;
      }
    }
  }
}

TEST(OneGrid, LetsEvaluationsBeSharedToTheBit) {
  for (const int steps : {4, 8, 16}) {
    for (const auto& levels : all_grids(steps)) {
      const Trace ddim = trace("ddim", levels), dpm = trace("dpm", levels), dpm_pp = trace("dpm++", levels);
      for (const int i : {0, 1}) {
        EXPECT_TRUE(at::equal(ddim.inputs[i], dpm.inputs[i])) << i << " of " << steps;
        EXPECT_TRUE(at::equal(ddim.inputs[i], dpm_pp.inputs[i])) << i << " of " << steps;
      }
      EXPECT_TRUE(at::equal(dpm.inputs[2], dpm_pp.inputs[2])) << steps;
      EXPECT_FALSE(at::equal(ddim.inputs[2], dpm.inputs[2])) << steps;
      EXPECT_FALSE(at::equal(dpm.inputs[3], dpm_pp.inputs[3])) << steps;
    }
  }
}

TEST(OneGrid, GivesEveryStepCountTheSameFirstEvaluation) {
  const at::Tensor first = start();
  for (const Sampler& sampler : samplers()) {
    if (sampler.stochastic) continue;
    for (const int steps : {1, 2, 4, 8}) {
      const auto levels = make_grid(stable_diffusion(), {.steps = steps, .family = sampler.family});
      EXPECT_EQ(levels[0], level_at(stable_diffusion(), 999)) << sampler.name;
      EXPECT_TRUE(at::equal(trace(sampler.name, levels).inputs[0], first)) << sampler.name;
    }
  }
}

TEST(FirstOrderStep, IsDdimsEquation12) {
  const NoiseLevel from = level_at(stable_diffusion(), 749), to = level_at(stable_diffusion(), 499);
  const at::Tensor x = start().to(at::kDouble), x0 = x.mul(0.3).sin();
  const at::Tensor eps = x.sub(x0, from.alpha).div(from.sigma);
  EXPECT_LT(relative_difference(first_order_step(x, x0, from, to), x0.mul(to.alpha).add(eps, to.sigma)), 1e-14);
  EXPECT_TRUE(at::equal(first_order_step(x, x0, from, NoiseLevel{}), x0));
}

// −σ(e^h − 1)·(eps + D/2) of DPM-Solver against α(1 − e^−h)·(x0 + D/2) of DPM-Solver++, after one first-order step.
TEST(MidpointStep, IsDpmSolversAfterAFirstOrderStep) {
  const auto levels = make_grid(stable_diffusion(), {.steps = 4});
  const NoiseLevel &a = levels[0], &b = levels[1], &c = levels[2];
  const at::Tensor xa = start().to(at::kDouble), x0a = xa.mul(0.3).sin();
  const at::Tensor xb = first_order_step(xa, x0a, a, b), x0b = xb.mul(0.4).cos();
  const at::Tensor eps_a = xa.sub(x0a, a.alpha).div(a.sigma), eps_b = xb.sub(x0b, b.alpha).div(b.sigma);
  const double h = lambda(c) - lambda(b), r = (lambda(b) - lambda(a)) / h;
  const at::Tensor difference = eps_b.sub(eps_a).div(r);
  const at::Tensor dpm = xb.mul(c.alpha / b.alpha).sub(eps_b.add(difference, 0.5), c.sigma * std::expm1(h));
  EXPECT_LT(relative_difference(midpoint_step(xb, x0b, x0a, a, b, c), dpm), 1e-13);
}

TEST(Samplers, GiveTheCpusLatentsOnCuda) {
  const at::Device device = parse_device("auto");
  if (!device.is_cuda()) GTEST_SKIP() << "no CUDA device";
  for (const auto* name : {"ddim", "dpm", "dpm++"}) {
    const auto levels = make_grid(stable_diffusion(), {.steps = 8});
    EXPECT_LT(relative_difference(trace(name, levels, device).out.cpu(), trace(name, levels).out), 5e-6) << name;
  }
}

}  // namespace
}  // namespace fewstep
