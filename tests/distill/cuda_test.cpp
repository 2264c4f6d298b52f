// A training step on a GPU is the CPU's, for every method; bfloat16 trains as float32 does.
#include "core/device.h"
#include "core/error.h"
#include "core/tensor.h"
#include "small_training.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

namespace fewstep {
namespace {

using nlohmann::json;

// The recipes beside the shipped parts, which are their parents; results lie elsewhere.
struct ShippedTraining : SmallTraining {
  ShippedTraining() {
    const std::filesystem::path pocket = std::string(FEWSTEP_SOURCE_DIR) + "/pocket";
    for (const char* part : {"vae", "clip", "teacher", "lcm"})
      std::filesystem::create_directory_symlink(pocket / part, folder.path() / part);
  }
  // fewstep.json's losses of a run on a device.
  json losses_on(const std::string& recipe, const std::string& device, std::vector<std::string> settings,
                 const std::string& student = "") const {
    const auto result = folder.path() / ("on-" + std::string(device, 0, 3) + "-" + recipe);
    settings.push_back("output=" + result.string());
    auto list = arguments(recipe, settings);
    list[3] = device;
    list.emplace_back("--again");
    const Finished finished = run_program("fewstep", list, one_thread);
    EXPECT_EQ(finished.code, 0) << finished.err;
    return json::parse(read_file(result / student / "fewstep.json")).at("losses");
  }
};

void expect_same_step(const std::string& other_device) {
  const ShippedTraining training;
  const std::vector<std::string> one{"train.steps=1", "train.report_every=1", "train.batch=16"};
  const std::vector<std::string> staged{"guided-distill.stage_one_steps=1", "guided-distill.steps_per_halving=1",
                                        "guided-distill.students=[1]", "train.report_every=1", "train.batch=16"};
  for (const char* recipe : {"vae", "clip", "features", "teacher", "lcm", "lcf", "guided-distill"}) {
    const bool is_staged = std::string(recipe) == "guided-distill";
    const auto on = [&](const std::string& device) {
      return training.losses_on(recipe, device, is_staged ? staged : one, is_staged ? "1-steps" : "");
    };
    const json ours = on(other_device), cpu = on("cpu");
    ASSERT_EQ(ours.size(), cpu.size()) << recipe;
    for (std::size_t i = 0; i < cpu.size(); ++i) {
      for (const int value : {2, 3}) {  // loss, gradient norm
        const double a = ours.at(i).at(value), b = cpu.at(i).at(value), difference = std::abs(a / b - 1);
        std::printf("%s %s: %.1e (bound 1e-4)\n", recipe, value == 2 ? "loss" : "gradient", difference);
        EXPECT_LE(difference, 1e-4) << recipe;
      }
    }
  }
}

double last_loss(const json& losses) { return losses.back().at(2); }

void expect_same_loss_in_bfloat16(const std::string& device, int steps) {
  const ShippedTraining training;
  const std::vector<std::string> settings{"train.steps=" + std::to_string(steps),
                                          "train.report_every=" + std::to_string(steps / 2)};
  for (const char* recipe : {"teacher", "lcm"}) {
    auto half = settings;
    half.emplace_back("train.precision=bfloat16");
    const double full = last_loss(training.losses_on(recipe, device, settings)),
                 autocast = last_loss(training.losses_on(recipe, device, half));
    std::printf("%s: float32 %.4g, bfloat16 %.4g\n", recipe, full, autocast);
    EXPECT_NEAR(autocast, full, 0.05 * full) << recipe;
  }
}

bool has_cuda() {
  try {
    return parse_device("cuda:0").is_cuda();
  } catch (const Error& error) {
    std::printf("no CUDA device here: %s\n", error.what());
    return false;
  }
}

TEST(TrainingDevice, OneStepOfEveryMethodOnCudaIsTheCpus) {
  if (!has_cuda()) GTEST_SKIP() << "no CUDA device here";
  expect_same_step("cuda:0");
}

TEST(TrainingDevice, Bfloat16OnCudaTrainsToTheLossOfFloat32) {
  if (!has_cuda()) GTEST_SKIP() << "no CUDA device here";
  expect_same_loss_in_bfloat16("cuda:0", 200);
}

// What the two tests above compare is the same on one device, and a short run in bfloat16 works on a CPU, too.
TEST(TrainingDevice, OneStepOfEveryMethodAgainIsTheSame) { expect_same_step("cpu"); }
TEST(TrainingDevice, Bfloat16TrainsToTheLossOfFloat32) { expect_same_loss_in_bfloat16("cpu", 8); }

}  // namespace
}  // namespace fewstep
