// Final latents against diffusers' schedulers (tests/references/samplers.py), and where those are wrong.
#include "closed_form.h"
#include "guidance.h"
#include "samplers/registry.h"

#include <ATen/ops/stack.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace fewstep {
namespace {

constexpr double kBound = 1.5e-5;  // float32 rounding alone gives up to 5e-6

struct Golden {
  nlohmann::json json = golden_json("samplers/latents.json");
  std::vector<std::int64_t> shape = json["shape"];
  at::Tensor x = tensor_of(json["x"], shape);
  at::Tensor noise = [this] {
    std::vector<at::Tensor> draws;
    for (const auto& draw : json["noise"]) draws.push_back(tensor_of(draw, shape));
    return at::stack(draws);
  }();
  double cond = json["cond"], uncond = json["uncond"], omega = json["omega"];

  Denoiser teacher(Predicts predicts) const {
    return with_guidance(closed_form_denoiser(predicts, cond), closed_form_denoiser(predicts, uncond), omega);
  }

  at::Tensor run(const Sampler& sampler, Predicts predicts, const GridOptions& options,
                 const Schedule& schedule = stable_diffusion()) const {
    Rng rng = recorded_rng(noise);
    const auto denoiser = sampler.name == "lcm" ? closed_form_consistency(predicts, cond) : teacher(predicts);
    return sampler.run(denoiser, x, make_grid(schedule, options), rng);
  }
};

GridOptions options_of(const Sampler& sampler, const nlohmann::json& golden) {
  GridOptions options;
  options.final_sigma = parse_final_sigma(golden.value("final", "zero"));
  options.family = sampler.family;
  if (golden.contains("times")) {
    options.grid.times = golden["times"].get<std::vector<int>>();
    options.steps = static_cast<int>(options.grid.times.size());
  } else {
    options.grid.spacing = parse_spacing(golden["spacing"].get<std::string>());
    options.steps = golden["steps"];
  }
  return options;
}

// Compares every case of one sampler and records the largest difference in the test's output.
void compare_with_diffusers(const std::string& name, int expected_cases) {
  const Golden golden;
  const Sampler& sampler = find_sampler(name);
  double worst = 0;
  int cases = 0;
  for (const auto& entry : golden.json["cases"]) {
    if (entry["sampler"] != name) continue;
    const auto predicts = entry["prediction"] == "epsilon" ? Predicts::kEps : Predicts::kV;
    const auto ours = golden.run(sampler, predicts, options_of(sampler, entry));
    const double difference = relative_difference(ours, tensor_of(entry["out"], golden.shape));
    EXPECT_LE(difference, kBound) << name << " " << entry["spacing"] << " final " << entry["final"] << " "
                                  << entry["prediction"] << " N=" << entry["steps"] << "; remake with: make golden";
    worst = std::max(worst, difference);
    ++cases;
  }
  EXPECT_EQ(cases, expected_cases);
  testing::Test::RecordProperty("largest_difference", std::to_string(worst));
  std::printf("largest difference of %d cases: %.2g\n", cases, worst);
}

TEST(FinalLatents, OnAScheduleWithZeroTerminalSnrEqualDiffusers) {
  const Golden golden;
  const Schedule schedule = make_schedule("scaled_linear", 0.00085, 0.012, 1000, true);
  ASSERT_EQ(golden.json["zero_terminal_snr"].size(), 24u);
  for (const auto& entry : golden.json["zero_terminal_snr"]) {
    const Sampler& sampler = find_sampler(entry["sampler"].get<std::string>());
    const GridOptions options = options_of(sampler, entry);
    const auto ours = golden.run(sampler, Predicts::kV, options, schedule);
    // DPM-Solver's first step is the difference of two multiples of x, each up to 4096 times as large: diffusers takes
    // their factors from λ in float32, whose last bit is 1e-6 there.
    const auto levels = make_grid(schedule, options);
    const double bound = sampler.name == "dpm" ? std::max(kBound, 2e-6 * levels[1].alpha / levels[0].alpha) : kBound;
    EXPECT_LE(relative_difference(ours, tensor_of(entry["out"], golden.shape)), bound)
        << entry["sampler"] << " " << entry["spacing"] << " N=" << entry["steps"] << "; remake with: make golden";
  }
}

TEST(FinalLatents, OfDdimEqualDiffusers) { compare_with_diffusers("ddim", 2 * 2 * 2 * 4); }

TEST(FinalLatents, OfDpmSolverEqualDiffusers) { compare_with_diffusers("dpm", 3 * 2 * 6); }

TEST(FinalLatents, OfDpmSolverPlusPlusEqualDiffusers) { compare_with_diffusers("dpm++", 3 * 2 * 2 * 6); }

TEST(FinalLatents, OfLcmEqualDiffusersWithTheSameNoise) { compare_with_diffusers("lcm", 2 * 4); }

// LCMScheduler and DPMSolverMultistepScheduler take times; for DDIM the reference is its formula in double.
TEST(FinalLatents, AtGivenTimesEqualDiffusers) {
  const Golden golden;
  ASSERT_EQ(golden.json["given_times"].size(), 25u);
  double worst = 0;
  for (const auto& entry : golden.json["given_times"]) {
    const Sampler& sampler = find_sampler(entry["sampler"].get<std::string>());
    const GridOptions options = options_of(sampler, entry);
    const auto levels = make_grid(stable_diffusion(), options);
    for (std::size_t i = 0; i + 1 < levels.size(); ++i) EXPECT_EQ(levels[i].time, entry["times"][i].get<double>());
    const auto ours = golden.run(sampler, Predicts::kEps, options);
    const double difference = relative_difference(ours, tensor_of(entry["out"], golden.shape));
    EXPECT_LE(difference, kBound) << entry["sampler"] << " " << entry["times"] << "; remake with: make golden";
    worst = std::max(worst, difference);
  }
  std::printf("largest difference of 25 cases: %.2g\n", worst);
}

// DDIMScheduler always steps to t − 1000 // N: off its own grid at linspace, and at trailing where N does not divide
// 1000. The next time of the grid is right: the network is evaluated there, so x has to have that noise level.
// diffusers' own first-order DPM-Solver++, which is the same algorithm, steps there.
TEST(FinalLatents, OfDdimStayOnTheGridWhereDiffusersLeavesIt) {
  const Golden golden;
  const Sampler& ddim = find_sampler("ddim");
  ASSERT_EQ(golden.json["ddim_off_its_grid"].size(), 4);
  for (const auto& entry : golden.json["ddim_off_its_grid"]) {
    const auto ours = golden.run(ddim, Predicts::kEps, options_of(ddim, entry));
    EXPECT_LE(relative_difference(ours, tensor_of(entry["first_order"], golden.shape)), kBound) << entry["spacing"];
    EXPECT_GE(relative_difference(ours, tensor_of(entry["ddim_scheduler"], golden.shape)), 1e-3)
        << entry["spacing"] << " N=" << entry["steps"] << ": diffusers was repaired?";
  }
}

// diffusers refuses "dpmsolver" with final sigma zero, for its formula has log σ. The first-order step has a limit
// there, x0, which the other samplers take too: a final sigma going to zero comes to the same image.
TEST(FinalLatents, OfDpmSolverIntoSigmaZeroAreTheLimit) {
  const Golden golden;
  const Sampler& dpm = find_sampler("dpm");
  for (const int steps : {1, 2, 4, 8}) {  // shorter than 15: the last step is of first order near zero too
    auto levels = make_grid(stable_diffusion(), {.steps = steps, .family = dpm.family});
    Rng rng = recorded_rng(golden.noise);
    const auto limit = dpm.run(golden.teacher(Predicts::kV), golden.x, levels, rng);
    double last = 1;
    for (const double sigma : {1e-2, 1e-3, 1e-4, 1e-5}) {
      levels.back() = {0, std::sqrt(1 - sigma * sigma), sigma};
      const double difference =
          relative_difference(dpm.run(golden.teacher(Predicts::kV), golden.x, levels, rng), limit);
      EXPECT_LT(difference, 3 * sigma) << steps;
      EXPECT_LT(difference, last) << steps;
      last = difference;
    }
  }
}

}  // namespace
}  // namespace fewstep
