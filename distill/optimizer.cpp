#include "distill/optimizer.h"

#include "core/error.h"

#include <ATen/ATen.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

namespace fewstep {
namespace {

std::map<std::string, Tensor> zeros_like(const std::map<std::string, Tensor>& tensors) {
  std::map<std::string, Tensor> zeros;
  for (const auto& [name, tensor] : tensors) zeros.emplace(name, at::zeros_like(tensor.detach()));
  return zeros;
}

double norm_of(const std::vector<Tensor>& gradients) {
  if (gradients.empty()) return 0;
  return at::stack(at::_foreach_norm(gradients, 2)).norm().item<double>();
}

}  // namespace

AdamW::AdamW(std::map<std::string, Tensor> parameters, AdamWOptions options)
    : parameters_(std::move(parameters)),
      first_(zeros_like(parameters_)),
      second_(zeros_like(parameters_)),
      options_(options) {}

double AdamW::step(double learning_rate, double max_norm) {
  const c10::NoGradGuard no_grad;
  ++updates_;
  std::vector<Tensor> parameters, gradients, first, second, updates;
  for (auto& [name, parameter] : parameters_) {
    if (!parameter.grad().defined()) continue;
    parameters.push_back(parameter.detach());
    gradients.push_back(parameter.grad());
    first.push_back(first_.at(name));
    second.push_back(second_.at(name));
    updates.push_back(at::full({}, static_cast<double>(updates_), parameter.options().dtype(at::kFloat)));
  }
  if (parameters.empty()) return 0;
  const double norm = norm_of(gradients);
  // PyTorch's clip_grad_norm_ has the 1e-6, too.
  if (max_norm > 0 && norm > 0) at::_foreach_mul_(gradients, std::min(1.0, max_norm / (norm + 1e-6)));
  at::_fused_adamw_(parameters, gradients, first, second, {}, updates, learning_rate, options_.beta1, options_.beta2,
                    options_.weight_decay, options_.eps, false, false);
  for (auto& [name, parameter] : parameters_) parameter.mutable_grad() = Tensor();
  return norm;
}

std::map<std::string, Tensor> AdamW::state() const {
  std::map<std::string, Tensor> state;
  for (const auto& [name, moment] : first_) state.emplace("first/" + name, moment);
  for (const auto& [name, moment] : second_) state.emplace("second/" + name, moment);
  state.emplace("updates", at::full({1}, updates_, at::kLong));
  return state;
}

void AdamW::restore(const std::map<std::string, Tensor>& state) {
  const auto fetch = [&](const std::string& name, at::IntArrayRef shape) {
    const auto found = state.find(name);
    if (found == state.end() || found->second.sizes() != shape)
      throw input_error("training state", "expected the tensor \"" + name + "\" of the optimiser, got " +
                                              (found == state.end() ? "none" : "one of another shape"));
    return found->second;
  };
  for (auto& [name, moment] : first_) moment.copy_(fetch("first/" + name, moment.sizes()));
  for (auto& [name, moment] : second_) moment.copy_(fetch("second/" + name, moment.sizes()));
  updates_ = fetch("updates", {1}).item<std::int64_t>();
}

double rate_at(const RateSchedule& schedule, std::int64_t step) {
  if (step < schedule.warmup) {
    return schedule.learning_rate * static_cast<double>(step + 1) / static_cast<double>(schedule.warmup);
  }
  const double left = static_cast<double>(std::max<std::int64_t>(1, schedule.steps - schedule.warmup));
  const double done = std::min(1.0, static_cast<double>(step - schedule.warmup) / left);
  switch (schedule.decay) {
    case Decay::kLinear:
      return schedule.learning_rate * (1 - done);
    case Decay::kCosine:
      return schedule.learning_rate * (1 + std::cos(std::numbers::pi * done)) / 2;
    case Decay::kConstant:
      break;
  }
  return schedule.learning_rate;
}

void update_average(std::map<std::string, Tensor>& average, const std::map<std::string, Tensor>& parameters,
                    double mu) {
  const c10::NoGradGuard no_grad;
  std::vector<Tensor> averages, current;
  for (auto& [name, tensor] : average) {
    averages.push_back(tensor.detach());
    current.push_back(parameters.at(name).detach());
  }
  at::_foreach_lerp_(averages, current, 1 - mu);
}

}  // namespace fewstep
