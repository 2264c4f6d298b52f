// Loss and gradient norm of one training step on tiny random networks against diffusers' UNets and PyTorch's autograd.
#include "distill/consistency.h"
#include "distill/diffusion.h"
#include "distill/guided_distill.h"
#include "distill/network.h"
#include "distill/optimizer.h"
#include "models/weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <sstream>

namespace fewstep {
namespace {

// The norm of all gradients together. A parameter without one counts as 0.
double gradient_norm(const std::map<std::string, Tensor>& parameters) {
  double squares = 0;
  for (const auto& [name, parameter] : parameters)
    if (parameter.grad().defined()) squares += parameter.grad().to(at::kDouble).square().sum().item<double>();
  return std::sqrt(squares);
}

const std::string kGolden = FEWSTEP_TEST_DATA;
const Schedule kSchedule = make_schedule("scaled_linear", 0.00085, 0.012, 1000);

struct Student {
  std::map<std::string, Tensor> tensors;
  DiffusionNetwork network;
};

std::map<std::string, Tensor> tensors_of(const std::string& name) {
  return load_tensors(kGolden + "/checkpoints/" + name + "/unet/diffusion_pytorch_model.safetensors");
}

DiffusionNetwork network_with(const std::string& name, std::map<std::string, Tensor> tensors) {
  const UnetConfig config = read_unet_config(kGolden + "/checkpoints/" + name + "/unet/config.json");
  return {make_unet(config, std::move(tensors), {}), name == "sd21-v" ? Prediction::kV : Prediction::kEpsilon};
}

DiffusionNetwork frozen(const std::string& name) { return network_with(name, tensors_of(name)); }

Student student_of(const std::string& name) {
  auto tensors = trainable_copy(tensors_of(name), at::kCPU);
  DiffusionNetwork network = network_with(name, tensors);
  return {std::move(tensors), std::move(network)};
}

struct Draws {
  Tensor x0, noise, states, negative, omega;
};
Draws draws_of(const std::map<std::string, Tensor>& golden) {
  return {golden.at("x0"), golden.at("noise"), golden.at("states"), golden.at("negative"), golden.at("omega")};
}

BatchDenoiser predicting(const DiffusionNetwork& network, const Draws& draws) {
  return
      [&](const Tensor& x, const Levels& levels) { return predict_x0(network, x, levels, draws.states, draws.omega); };
}
BatchDenoiser guided(const DiffusionNetwork& network, const Draws& draws) {
  return [&](const Tensor& x, const Levels& levels) {
    return predict_guided_x0(network, x, levels, draws.states, draws.negative, draws.omega);
  };
}
BatchDenoiser consistent(const DiffusionNetwork& network, const Draws& draws) {
  return
      [&](const Tensor& x, const Levels& levels) { return consistency(network, x, levels, draws.states, draws.omega); };
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

void expect_equal(const Tensor& loss, const Student& student, const Tensor& golden, const std::string& what) {
  loss.backward();
  const double norm = gradient_norm(student.tensors);
  for (const auto& [name, tensor] : student.tensors) tensor.mutable_grad() = Tensor();
  const double *wanted = golden.const_data_ptr<double>(), loss_error = std::abs(loss.item<double>() / wanted[0] - 1),
               norm_error = std::abs(norm / wanted[1] - 1);
  std::printf("%s: loss %.1e (bound 1e-5), gradient norm %.1e (bound 1e-4)\n", what.c_str(), loss_error, norm_error);
  EXPECT_LE(loss_error, 1e-5) << what << "; remake with: make golden";
  EXPECT_LE(norm_error, 1e-4) << what << "; remake with: make golden";
}

TEST(TrainingStep, OfConsistencyDistillationAndFineTuningIsThatOfAutograd) {
  const auto golden = load_tensors(kGolden + "/distill/consistency.safetensors");
  const Draws draws = draws_of(golden);
  const DiffusionNetwork teacher = frozen("sd15"), target = frozen("guided-distill");
  const Student student = student_of("lcm");
  int cases = 0;
  for (const auto& [name, expected] : golden) {
    const auto parts = split(name, '|');  // method, solver, k, indices, distance
    if (parts.size() != 5) continue;
    ConsistencyBatch batch{draws.x0, draws.noise, {}};
    for (const auto& index : split(parts[3], ','))
      batch.times.push_back(time_pair(std::stoi(index), std::stoi(parts[2])));
    const Distance measure{parts[4] == "huber", 1e-3};
    const auto f = consistent(student.network, draws), f_target = consistent(target, draws);
    const Tensor loss = parts[0] == "lcf" ? lcf_loss(f, f_target, kSchedule, batch, measure)
                                          : lcd_loss(f, f_target, guided(teacher, draws),
                                                     solver_step(parse_name<Solver>(kSolvers, parts[1], "solver")),
                                                     kSchedule, batch, measure);
    expect_equal(loss, student, expected, name);
    ++cases;
  }
  EXPECT_EQ(cases, 15);
}

TEST(TrainingStep, OfBothGuidedDistillStagesIsThatOfAutograd) {
  const auto golden = load_tensors(kGolden + "/distill/guided-distill.safetensors");
  const Draws draws = draws_of(golden);
  const DiffusionNetwork teacher = frozen("sd15"), halved = frozen("lcm");
  const Student student = student_of("guided-distill");
  const auto x0 = predicting(student.network, draws);
  std::vector<NoiseLevel> from;
  for (const double time : {3, 420, 999}) from.push_back(level_at(kSchedule, time));
  expect_equal(guidance_loss(x0, guided(teacher, draws), draws.x0, draws.noise, from), student,
               golden.at("stage-one|3,420,999"), "stage one");

  const HalvingLevels four = halving_levels(kSchedule, 4), one = halving_levels(kSchedule, 1);
  const HalvingLevels some{{four.from[0], four.from[2], four.from[3]},
                           {four.middle[0], four.middle[2], four.middle[3]},
                           {four.to[0], four.to[2], four.to[3]}};
  expect_equal(halving_loss(x0, predicting(halved, draws), draws.x0, draws.noise, some), student,
               golden.at("halving|4"), "halving to 4 steps");
  const HalvingLevels same{std::vector(3, one.from[0]), std::vector(3, one.middle[0]), std::vector(3, one.to[0])};
  expect_equal(halving_loss(x0, predicting(halved, draws), draws.x0, draws.noise, same), student,
               golden.at("halving|1"), "halving to 1 step");
}

TEST(TrainingStep, OfPlainDiffusionIsThatOfAutograd) {
  const auto golden = load_tensors(kGolden + "/distill/diffusion.safetensors");
  const Draws draws = draws_of(golden);
  const std::vector<std::int64_t> times{0, 421, 999};
  for (const std::string name : {"sd15", "sd21-v"}) {
    const Student student = student_of(name);
    const Tensor loss =
        diffusion_loss(student.network, draws.x0, draws.noise, draws.states, levels_at(kSchedule, times, at::kCPU));
    expect_equal(loss, student, golden.at(name + "|0,421,999"), name);
  }
}

TEST(TrainingStep, LeavesTeacherAndTargetAlone) {
  const auto golden = load_tensors(kGolden + "/distill/consistency.safetensors");
  const Draws draws = draws_of(golden);
  const Student student = student_of("lcm"), target = student_of("guided-distill"), teacher = student_of("sd15");
  ConsistencyBatch batch{draws.x0, draws.noise, {time_pair(1, 20), time_pair(9, 20), time_pair(49, 20)}};
  lcd_loss(consistent(student.network, draws), consistent(target.network, draws), guided(teacher.network, draws),
           solver_step(Solver::kDpmPp), kSchedule, batch, {})
      .backward();
  EXPECT_GT(gradient_norm(student.tensors), 0);
  EXPECT_EQ(gradient_norm(target.tensors), 0);
  EXPECT_EQ(gradient_norm(teacher.tensors), 0);
}

}  // namespace
}  // namespace fewstep
