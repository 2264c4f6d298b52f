#include "distill/optimizer.h"

#include "core/error.h"
#include "models/weights.h"
#include "temporary.h"
#include "tensor_difference.h"

#include <gtest/gtest.h>

namespace fewstep {
namespace {

std::map<std::string, Tensor> part(const std::map<std::string, Tensor>& golden, const std::string& prefix) {
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, tensor] : golden)
    if (name.starts_with(prefix)) tensors.emplace(name.substr(prefix.size()), tensor.clone());
  return tensors;
}

TEST(Optimizer, ThreeStepsWithClippingAndTheirAverageAreThoseOfPyTorch) {
  const auto golden = load_tensors(FEWSTEP_TEST_DATA "/distill/optimizer.safetensors");
  auto parameters = part(golden, "start/"), average = part(golden, "start/");
  AdamW optimizer(parameters, {.beta1 = 0.9, .beta2 = 0.95, .eps = 1e-7, .weight_decay = 0.02});
  const double rates[] = {1e-2, 2e-2, 5e-3};
  for (int step = 0; step < 3; ++step) {
    for (auto& [name, gradient] : part(golden, "gradient-" + std::to_string(step) + "/"))
      parameters.at(name).mutable_grad() = gradient;
    EXPECT_NEAR(optimizer.step(rates[step], 1.0), golden.at("norms")[step].item<double>(), 1e-5);
    update_average(average, parameters, 0.9);
  }
  for (const auto& [name, expected] : part(golden, "end/")) EXPECT_NEAR_GOLDEN(parameters.at(name), expected, 1e-6);
  for (const auto& [name, expected] : part(golden, "average/")) EXPECT_NEAR_GOLDEN(average.at(name), expected, 1e-6);
}

TEST(Optimizer, GoesOnFromItsStateAsIfItHadNotStopped) {
  const auto golden = load_tensors(FEWSTEP_TEST_DATA "/distill/optimizer.safetensors");
  auto straight = part(golden, "start/"), first = part(golden, "start/");
  const auto give = [&](std::map<std::string, Tensor>& parameters, int step) {
    for (auto& [name, gradient] : part(golden, "gradient-" + std::to_string(step) + "/"))
      parameters.at(name).mutable_grad() = gradient;
  };
  AdamW one(straight, {}), before(first, {});
  for (int step = 0; step < 3; ++step) {
    give(straight, step);
    one.step(1e-2, 1);
  }
  give(first, 0);
  before.step(1e-2, 1);
  AdamW after(first, {});
  after.restore(before.state());
  for (int step = 1; step < 3; ++step) {
    give(first, step);
    after.step(1e-2, 1);
  }
  for (const auto& [name, tensor] : straight) EXPECT_TRUE(at::equal(tensor, first.at(name))) << name;

  auto missing = before.state();
  missing.erase("second/a");
  EXPECT_FEWSTEP_ERROR(after.restore(missing), ExitCode::kInput, "second/a");
}

TEST(LearningRate, WarmsUpAndDecays) {
  const RateSchedule cosine{.learning_rate = 2, .warmup = 4, .steps = 104, .decay = Decay::kCosine};
  EXPECT_DOUBLE_EQ(rate_at(cosine, 0), 0.5);
  EXPECT_DOUBLE_EQ(rate_at(cosine, 3), 2);
  EXPECT_DOUBLE_EQ(rate_at(cosine, 4), 2);
  EXPECT_NEAR(rate_at(cosine, 54), 1, 1e-12);
  EXPECT_NEAR(rate_at(cosine, 103), 0.000493, 1e-6);
  EXPECT_DOUBLE_EQ(rate_at({.learning_rate = 2, .warmup = 0, .steps = 100, .decay = Decay::kLinear}, 25), 1.5);
  EXPECT_DOUBLE_EQ(rate_at({.learning_rate = 2, .warmup = 0, .steps = 100}, 99), 2);
}

TEST(Average, OfZeroIsTheParameterAndOfOneStays) {
  std::map<std::string, Tensor> parameters{{"a", at::full({3}, 5.0)}}, average{{"a", at::full({3}, 1.0)}};
  update_average(average, parameters, 1);
  EXPECT_EQ(average.at("a")[0].item<float>(), 1);
  update_average(average, parameters, 0.75);
  EXPECT_EQ(average.at("a")[0].item<float>(), 2);
  update_average(average, parameters, 0);
  EXPECT_EQ(average.at("a")[0].item<float>(), 5);
}

}  // namespace
}  // namespace fewstep
