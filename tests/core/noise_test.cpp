#include "core/noise.h"

#include "core/error.h"
#include "core/files.h"
#include "golden.h"
#include "temporary.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fewstep {
namespace {

const Schedule& stable_diffusion() {
  static const Schedule schedule = make_schedule("scaled_linear", 0.00085, 0.012, 1000);
  return schedule;
}

std::vector<double> times_of(const GridOptions& options) {
  std::vector<double> times;
  for (const NoiseLevel& level : make_grid(stable_diffusion(), options)) times.push_back(level.time);
  times.pop_back();
  return times;
}

Schedule schedule_of(const nlohmann::json& golden) {
  return make_schedule(golden["name"].get<std::string>(), golden["beta_start"], golden["beta_end"], 1000,
                       golden["zero_terminal_snr"]);
}

TEST(Schedule, EqualsTorchBitForBit) {
  for (const auto& golden : golden_json("samplers/schedules.json")) {
    if (golden["zero_terminal_snr"]) continue;
    const auto schedule = schedule_of(golden);
    const std::vector<float> bar(schedule.alpha_bar.begin(), schedule.alpha_bar.end());
    for (std::size_t i = 0; i < golden["every_111th"].size(); ++i) {
      EXPECT_EQ(bar[i * 111], golden["every_111th"][i].get<float>()) << golden["name"] << " at " << i * 111;
    }
    EXPECT_EQ(sha256({reinterpret_cast<const char*>(bar.data()), bar.size() * sizeof(float)}), golden["sha256"])
        << golden["name"] << "; remake with: make golden";
  }
}

// Torch's square roots are a last bit off here and there, and a thousand factors of the product follow.
TEST(Schedule, RescaledToZeroTerminalSnrEqualsDiffusersWithinRounding) {
  int count = 0;
  for (const auto& golden : golden_json("samplers/schedules.json")) {
    if (!golden["zero_terminal_snr"]) continue;
    const auto bar = schedule_of(golden).alpha_bar;
    for (std::size_t i = 0; i < golden["every_111th"].size(); ++i) {
      const double expected = golden["every_111th"][i];
      EXPECT_NEAR(bar[i * 111], expected, 1e-5 * expected) << golden["name"] << " at " << i * 111;
    }
    EXPECT_EQ(bar.back(), 0) << golden["name"];
    ++count;
  }
  EXPECT_EQ(count, 3);
}

TEST(Schedule, WithZeroTerminalSnrHasFiniteLambdaForDpmSolverAlone) {
  const Schedule schedule = make_schedule("scaled_linear", 0.00085, 0.012, 1000, true);
  const auto ddim = make_grid(schedule, {.steps = 4}),
             dpm = make_grid(schedule, {.steps = 4, .family = GridFamily::kDpm});
  EXPECT_EQ(ddim[0].alpha, 0);
  EXPECT_EQ(dpm[0].alpha, 0x1p-12);
  EXPECT_TRUE(std::isfinite(lambda(dpm[0])));
  EXPECT_EQ(ddim[1], dpm[1]);
  EXPECT_GT(level_at(schedule, 998.5).alpha, 0);
  EXPECT_LT(level_at(schedule, 998.5).alpha, level_at(schedule, 998).alpha);
}

TEST(Schedule, RefusesWhatIsNoSchedule) {
  EXPECT_FEWSTEP_ERROR(make_schedule("cosine", 0.001, 0.01, 1000), ExitCode::kInput, "got cosine");
  EXPECT_FEWSTEP_ERROR(make_schedule("linear", 0, 0.01, 1000), ExitCode::kInput, "beta_start");
  EXPECT_FEWSTEP_ERROR(make_schedule("linear", 0.02, 0.01, 1000), ExitCode::kInput, "beta_start");
  EXPECT_FEWSTEP_ERROR(make_schedule("linear", 0.01, 1, 1000), ExitCode::kInput, "beta_start");
  EXPECT_FEWSTEP_ERROR(make_schedule("linear", std::nan(""), 0.01, 1000), ExitCode::kInput, "beta_start");
  EXPECT_FEWSTEP_ERROR(make_schedule("linear", 0.001, 0.01, 1), ExitCode::kInput, "num_train_timesteps");
}

TEST(LevelAt, IsVariancePreservingAndFallsInLambda) {
  double last = INFINITY;
  for (double time = 0; time <= 999; time += 0.25) {
    const NoiseLevel level = level_at(stable_diffusion(), time);
    EXPECT_NEAR(level.alpha * level.alpha + level.sigma * level.sigma, 1, 1e-15);
    EXPECT_LT(lambda(level), last) << time;
    last = lambda(level);
  }
  EXPECT_NEAR(level_at(stable_diffusion(), 999).alpha, std::sqrt(0.00466), 1e-4);
  EXPECT_THROW(level_at(stable_diffusion(), -0.5), Error);
  EXPECT_THROW(level_at(stable_diffusion(), 999.5), Error);
  EXPECT_THROW(level_at(stable_diffusion(), std::nan("")), Error);
}

TEST(Lambda, IsHalfTheLogSignalToNoiseRatio) {
  EXPECT_DOUBLE_EQ(lambda({0, 0.8, 0.6}), std::log(0.8 / 0.6));
  EXPECT_EQ(lambda({}), INFINITY);
}

TEST(Grid, HasTheTimesOfDiffusers) {
  const auto golden = golden_json("samplers/grids.json");
  int compared = 0;
  for (const auto& [family, name] : {std::pair{GridFamily::kDdim, "ddim"}, {GridFamily::kDpm, "dpm"}}) {
    for (const auto& [spacing, counts] : golden[name].items()) {
      for (const auto& [steps, times] : counts.items()) {
        const GridOptions options{.steps = std::stoi(steps), .grid = {parse_spacing(spacing)}, .family = family};
        EXPECT_EQ(times_of(options), times.get<std::vector<double>>())
            << name << " " << spacing << " " << steps << "; remake with: make golden";
        ++compared;
      }
    }
  }
  EXPECT_EQ(compared, 2 * 3 * 9);
}

TEST(Grid, HasTheTimesOfLcmTodayAndInTheAuthorsCode) {
  const auto golden = golden_json("samplers/grids.json");
  int compared = 0;
  for (const std::string spacing : {"lcm", "lcm-original"}) {
    for (const auto& [original, counts] : golden[spacing].items()) {
      for (const auto& [steps, times] : counts.items()) {
        const GridOptions options{.steps = std::stoi(steps), .grid = {parse_spacing(spacing), std::stoi(original)}};
        EXPECT_EQ(times_of(options), times.get<std::vector<double>>())
            << spacing << " " << original << " " << steps << "; remake with: make golden";
        ++compared;
      }
    }
  }
  EXPECT_EQ(compared, 2 * (9 + 9 + 7));
}

TEST(Grid, HasTheTimesOfThePapersTables) {
  const auto times = [](int steps, Spacing spacing, GridFamily family = GridFamily::kDdim) {
    return times_of({.steps = steps, .grid = {spacing}, .family = family});
  };
  using Times = std::vector<double>;
  EXPECT_EQ(times(4, Spacing::kTrailing), (Times{999, 749, 499, 249}));
  EXPECT_EQ(times(4, Spacing::kLeading), (Times{751, 501, 251, 1}));
  EXPECT_EQ(times(4, Spacing::kLeading, GridFamily::kDpm), (Times{801, 601, 401, 201}));
  EXPECT_EQ(times(4, Spacing::kLinspace), (Times{999, 666, 333, 0}));
  EXPECT_EQ(times(4, Spacing::kLinspace, GridFamily::kDpm), (Times{999, 749, 500, 250}));
  EXPECT_EQ(times(4, Spacing::kLcm), (Times{999, 759, 499, 259}));
  EXPECT_EQ(times(4, Spacing::kLcmOriginal), (Times{999, 759, 519, 279}));
}

// At N = 61 diffusers' trailing grid has 62 times, the last of them −1: numpy.arange overshoots by one.
TEST(Grid, HasNTimesWhereDiffusersHasOneMore) {
  const auto times = times_of({.steps = 61});
  EXPECT_EQ(times.size(), 61);
  EXPECT_EQ(times.back(), 15);
}

TEST(Grid, FallsForEveryStepCountAndEndsWhereItWasTold) {
  for (const auto spacing :
       {Spacing::kTrailing, Spacing::kLeading, Spacing::kLinspace, Spacing::kLcm, Spacing::kLcmOriginal}) {
    for (const auto family : {GridFamily::kDdim, GridFamily::kDpm}) {
      for (int steps = 1; steps <= 50; ++steps) {
        const auto zero = make_grid(stable_diffusion(), {.steps = steps, .grid = {spacing}, .family = family});
        const auto min = make_grid(
            stable_diffusion(), {.steps = steps, .grid = {spacing}, .final_sigma = FinalSigma::kMin, .family = family});
        ASSERT_EQ(zero.size(), static_cast<std::size_t>(steps) + 1) << name_of(spacing) << " " << steps;
        EXPECT_EQ(zero.back(), (NoiseLevel{0, 1, 0}));
        EXPECT_EQ(min.back(), level_at(stable_diffusion(), 0));
        for (int i = 0; i < steps; ++i) {
          EXPECT_EQ(zero[i], min[i]);
          EXPECT_EQ(zero[i], level_at(stable_diffusion(), zero[i].time));
          if (i > 0) {
            EXPECT_LT(zero[i].time, zero[i - 1].time) << name_of(spacing) << " " << steps;
          }
        }
      }
    }
  }
}

TEST(Grid, RefusesStepsItCannotGive) {
  EXPECT_FEWSTEP_ERROR(times_of({.steps = 0}), ExitCode::kUsage, "[steps] expected 1 to 1000, got 0");
  EXPECT_FEWSTEP_ERROR(times_of({.steps = 1001}), ExitCode::kUsage, "got 1001");
  EXPECT_FEWSTEP_ERROR(times_of({.steps = 51, .grid = {Spacing::kLcm}}), ExitCode::kUsage, "at most");
  EXPECT_FEWSTEP_ERROR(times_of({.steps = 51, .grid = {Spacing::kLcmOriginal}}), ExitCode::kUsage, "at most");
  EXPECT_FEWSTEP_ERROR(times_of({.steps = 1, .grid = {Spacing::kLcm, -1}}), ExitCode::kUsage,
                       "original_inference_steps");
  EXPECT_FEWSTEP_ERROR(times_of({.steps = 1, .grid = {Spacing::kLcm, 1001}}), ExitCode::kUsage,
                       "original_inference_steps");
  // With offset 1, a thousand leading steps would start at t = 1000.
  EXPECT_FEWSTEP_ERROR(times_of({.steps = 1000, .grid = {Spacing::kLeading}}), ExitCode::kUsage, "1000");
}

TEST(GridNames, AreReadAsUsersWriteThem) {
  for (const std::string_view name : {"trailing", "leading", "linspace", "lcm", "lcm-original"}) {
    EXPECT_EQ(name_of(parse_spacing(name)), name);
  }
  for (const std::string_view name : {"zero", "min"}) EXPECT_EQ(name_of(parse_final_sigma(name)), name);
  for (const GridSpec& grid :
       {GridSpec{Spacing::kLcmOriginal}, GridSpec{.times = {999, 749, 499, 249}}, GridSpec{.times = {0}}})
    EXPECT_EQ(parse_grid_word(grid_word(grid)), grid);
  EXPECT_EQ(grid_word({.times = {999, 749, 499, 249}}), "times:999-749-499-249");
  for (const char* other : {"", "elsewhere", "times:", "times:1-", "times:-1", "times:1,2", "times:99999999999"})
    EXPECT_FALSE(parse_grid_word(other)) << other;
  EXPECT_FEWSTEP_ERROR(parse_spacing("Trailing"), ExitCode::kUsage, "did you mean \"trailing\"?");
  EXPECT_FEWSTEP_ERROR(parse_final_sigma("sigma_min"), ExitCode::kUsage, "unknown name \"sigma_min\"");
}

}  // namespace
}  // namespace fewstep
