// What every row of the registry promises.
#include "closed_form.h"
#include "core/error.h"
#include "samplers/registry.h"
#include "temporary.h"

#include <ATen/Parallel.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/isfinite.h>
#include <gmock/gmock.h>

#include <set>
#include <vector>

namespace fewstep {
namespace {

const std::vector<std::uint64_t> kStreams{3, 14, 159};

class SamplerContract : public testing::TestWithParam<Sampler> {
 protected:
  std::vector<NoiseLevel> grid(int steps, FinalSigma final_sigma = FinalSigma::kZero) const {
    GridOptions options;
    options.steps = steps;
    options.grid.spacing = GetParam().stochastic ? Spacing::kLcm : Spacing::kTrailing;
    options.final_sigma = final_sigma;
    options.family = GetParam().family;
    return make_grid(stable_diffusion(), options);
  }
  // Odd sizes: vectors of 8 and 16 lanes leave remainders.
  static at::Tensor start(Rng& rng, std::int64_t batch) { return rng.normal({batch, 4, 5, 3}); }

  at::Tensor run(std::span<const std::uint64_t> streams, int steps) const {
    Rng rng = image_rng(streams);
    const at::Tensor x = start(rng, static_cast<std::int64_t>(streams.size()));
    return GetParam().run(closed_form_denoiser(Predicts::kV, 0.25), x, grid(steps), rng);
  }
};

TEST_P(SamplerContract, SaysWhereItComesFrom) {
  EXPECT_FALSE(GetParam().source.empty());
  EXPECT_EQ(&find_sampler(GetParam().name), &*std::find_if(samplers().begin(), samplers().end(),
                                                           [](const Sampler& s) { return s.name == GetParam().name; }));
}

TEST_P(SamplerContract, GivesTheSameBitsForTheSameSeed) {
  for (const int steps : {1, 4, 16}) {
    EXPECT_TRUE(at::equal(run(kStreams, steps), run(kStreams, steps))) << steps;
    EXPECT_FALSE(at::equal(run(kStreams, steps), run(std::vector<std::uint64_t>{4, 15, 160}, steps))) << steps;
  }
}

TEST_P(SamplerContract, GivesAnImageTheSameBitsInEveryBatch) {
  for (const int steps : {1, 2, 4, 8, 16}) {
    const at::Tensor together = run(kStreams, steps);
    for (int b = 0; b < 3; ++b) {
      EXPECT_TRUE(at::equal(run(std::span(kStreams).subspan(b, 1), steps)[0], together[b])) << steps;
    }
  }
}

TEST_P(SamplerContract, GivesTheSameBitsForEveryNumberOfThreads) {
  const int before = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor one = run(kStreams, 8);
  at::set_num_threads(2);
  const at::Tensor two = run(kStreams, 8);
  at::set_num_threads(before);
  EXPECT_TRUE(at::equal(one, two));
}

TEST_P(SamplerContract, LeavesItsInputsAlone) {
  Rng rng = image_rng(kStreams);
  const at::Tensor x = start(rng, 3), copy = x.clone();
  std::vector<std::pair<at::Tensor, at::Tensor>> predictions;  // with their copies
  const Denoiser keeping = [&](const at::Tensor& z, const NoiseLevel& level) {
    const at::Tensor x0 = closed_form_x0(Predicts::kV, z, level, 0.25);
    predictions.emplace_back(x0, x0.clone());
    return x0;
  };
  GetParam().run(keeping, x, grid(8), rng);
  EXPECT_TRUE(at::equal(x, copy));
  for (const auto& [x0, before] : predictions) EXPECT_TRUE(at::equal(x0, before));
}

TEST_P(SamplerContract, EvaluatesOnceAtEveryLevelOfTheGridForAnyStepCount) {
  for (int steps = 1; steps <= 50; ++steps) {
    for (const auto final_sigma : {FinalSigma::kZero, FinalSigma::kMin}) {
      const auto levels = grid(steps, final_sigma);
      std::vector<NoiseLevel> visited;
      const Denoiser counting = [&](const at::Tensor& z, const NoiseLevel& level) {
        visited.push_back(level);
        return closed_form_x0(Predicts::kV, z, level, 0.25);
      };
      Rng rng = image_rng(kStreams);
      const at::Tensor x = start(rng, 3);
      const at::Tensor out = GetParam().run(counting, x, levels, rng);
      EXPECT_EQ(visited, std::vector<NoiseLevel>(levels.begin(), levels.end() - 1)) << steps;
      EXPECT_EQ(out.sizes(), x.sizes());
      EXPECT_EQ(out.dtype(), x.dtype());
      EXPECT_TRUE(at::isfinite(out).all().item<bool>()) << steps;
      EXPECT_LT(out.abs().max().item<double>(), 5) << steps;
    }
  }
}

TEST_P(SamplerContract, DrawsNoiseBetweenStepsOnlyWhereItSaysSo) {
  for (const int steps : {1, 2, 8}) {
    Rng rng = image_rng(kStreams);
    const at::Tensor x = start(rng, 3);
    int draws = 0;
    Rng counting{[&](at::IntArrayRef sizes) {
      ++draws;
      return rng.normal(sizes);
    }};
    GetParam().run(closed_form_denoiser(Predicts::kV, 0.25), x, grid(steps), counting);
    EXPECT_EQ(draws, GetParam().stochastic ? steps - 1 : 0) << steps;
  }
}

TEST_P(SamplerContract, ReachesPointMassDataExactly) {
  const Denoiser point = [](const at::Tensor& x, const NoiseLevel&) { return at::full_like(x, 0.375); };
  for (const int steps : {1, 2, 4, 8, 25, 50}) {
    Rng rng = image_rng(kStreams);
    const at::Tensor x = start(rng, 3);
    const at::Tensor out = GetParam().run(point, x, grid(steps), rng);
    EXPECT_TRUE(at::equal(out, at::full_like(x, 0.375))) << steps;
  }
}

// With one point as data the ODE's solution is straight: x0 and eps never change, at any order. LCM ends at x0 whatever
// the final sigma.
TEST_P(SamplerContract, KeepsTheNoiseOfPointMassDataAtSigmaMin) {
  const Denoiser point = [](const at::Tensor& x, const NoiseLevel&) { return at::full_like(x, 0.375); };
  for (const int steps : {1, 2, 4, 8, 25}) {
    Rng rng = image_rng(kStreams);
    const auto levels = grid(steps, FinalSigma::kMin);
    const at::Tensor eps = start(rng, 3).to(at::kDouble);
    const at::Tensor x = eps.mul(levels.front().sigma).add(levels.front().alpha * 0.375);
    const at::Tensor end =
        GetParam().stochastic ? at::full_like(x, 0.375) : eps.mul(levels.back().sigma).add(levels.back().alpha * 0.375);
    EXPECT_TRUE(at::allclose(GetParam().run(point, x, levels, rng), end, 1e-11, 1e-11)) << steps;
  }
}

INSTANTIATE_TEST_SUITE_P(Registry, SamplerContract,
                         testing::ValuesIn(std::vector<Sampler>(samplers().begin(), samplers().end())),
                         [](const auto& row) {
                           std::string name(row.param.name);
                           for (char& c : name) c = c == '+' ? 'p' : c == '-' ? '_' : c;
                           return name;
                         });

TEST(SamplerRegistry, HasThoseOfThePapersTableUnderTheirNames) {
  std::vector<std::string_view> names;
  for (const Sampler& sampler : samplers()) names.push_back(sampler.name);
  EXPECT_THAT(names, testing::IsSupersetOf({"ddim", "dpm", "dpm++", "guided-distill", "lcm"}));
}

TEST(SamplerRegistry, NamesTheNearestForATypingError) {
  EXPECT_FEWSTEP_ERROR(find_sampler("ddmi"), ExitCode::kUsage, "did you mean \"ddim\"");
}

}  // namespace
}  // namespace fewstep
