#include "checkpoints/prediction.h"

#include "models/golden.h"

#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <c10/core/InferenceMode.h>

namespace fewstep {
namespace {

TEST(Boundary, IsTheIdentityAtTimeZero) {
  const Boundary boundary = boundary_at(0, 10);
  EXPECT_EQ(boundary.c_skip, 1);
  EXPECT_EQ(boundary.c_out, 0);
}

TEST(Boundary, AtTime19IsThatOfLcmScheduler) {
  // diffusers LCMScheduler.get_scalings_for_boundary_condition_discrete(19), sigma_data 0.5, timestep_scaling 10.
  const Boundary boundary = boundary_at(19, 10);
  EXPECT_NEAR(boundary.c_skip, 0.25 / (190.0 * 190.0 + 0.25), 1e-18);
  EXPECT_NEAR(boundary.c_skip, 6.925e-6, 1e-9);
  EXPECT_NEAR(boundary.c_out, 0.99999654, 1e-8);
}

TEST(X0From, InvertsEachPrediction) {
  const NoiseLevel level{499, 0.6, 0.8};
  const at::Tensor x0 = at::full({1}, 0.3, at::kDouble), eps = at::full({1}, -1.1, at::kDouble);
  const at::Tensor x = x0 * level.alpha + eps * level.sigma, v = eps * level.alpha - x0 * level.sigma;
  EXPECT_NEAR(x0_from(Prediction::kEpsilon, x, eps, level).item<double>(), 0.3, 1e-15);
  EXPECT_NEAR(x0_from(Prediction::kV, x, v, level).item<double>(), 0.3, 1e-15);
  EXPECT_NEAR(x0_from(Prediction::kSample, x, x0, level).item<double>(), 0.3, 1e-15);
}

class Denoise : public testing::Test {
 protected:
  const c10::InferenceMode inference_;
  // The x0 of one prompt and the forwards that it took.
  std::pair<Tensor, std::int64_t> run(const std::string& name, double omega) {
    const Checkpoint checkpoint = load_checkpoint(golden_folder() / "checkpoints" / name, {}, false);
    const std::string prompts[] = {"a red circle"}, empty[] = {""};
    std::int64_t forwards = 0;
    Evaluator evaluator(checkpoint, checkpoint.pipeline.encode(prompts), checkpoint.pipeline.encode(empty));
    const Denoiser denoiser = make_denoiser(evaluator, omega, &forwards);
    const Tensor x = at::full({1, 4, 8, 8}, 0.5);
    return {denoiser(x, level_at(checkpoint.schedule, 499)), forwards};
  }
};

TEST_F(Denoise, CountsClassifierFreeGuidanceAsTwoForwards) {
  EXPECT_EQ(run("sd15", 7).second, 2);
  EXPECT_EQ(run("sd15", 0).second, 1);
}

TEST_F(Denoise, CountsOneForwardForStudentsWithAnOmegaEmbedding) {
  EXPECT_EQ(run("lcm", 7).second, 1);
  EXPECT_EQ(run("guided-distill", 7).second, 1);
}

TEST_F(Denoise, RunsStudentsWithoutAnOmegaEmbeddingPlainOrGuided) {
  EXPECT_EQ(run("lcm-lora", 0).second, 1);
  EXPECT_EQ(run("lcm-lora", 0.5).second, 2);
}

TEST_F(Denoise, DependsOnOmega) {
  for (const char* name : {"sd15", "lcm", "guided-distill", "lcm-lora"}) {
    EXPECT_GT(relative_difference(run(name, 7).first, run(name, 1).first), 1e-4) << name;
  }
}

}  // namespace
}  // namespace fewstep
