#include "distill/trainer.h"

#include "core/error.h"
#include "core/files.h"
#include "core/rng.h"
#include "distill/autocast.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <sstream>

namespace fewstep {
namespace {

void restore(std::map<std::string, Tensor>& into, const std::string& prefix, const TrainingState::Snapshot& snapshot) {
  const c10::NoGradGuard no_grad;
  for (auto& [name, tensor] : into) {
    const auto found = snapshot.tensors.find(prefix + name);
    if (found == snapshot.tensors.end() || found->second.sizes() != tensor.sizes())
      throw input_error("training state", "expected the tensor \"" + prefix + name + "\"; remove the state file");
    tensor.copy_(found->second);
  }
}

// What has been summed up for the next point of the curve.
struct Window {
  std::int64_t begin = 0;  // step
  double losses = 0, norms = 0;
};

TrainingState::Snapshot snapshot_of(const Phase& phase, const AdamW& optimizer, std::int64_t step,
                                    const Window& window) {
  TrainingState::Snapshot snapshot{step, {}};
  snapshot.tensors.emplace("window",
                           at::tensor({static_cast<double>(window.begin), window.losses, window.norms}, at::kDouble));
  const auto put = [&](const std::string& prefix, const std::map<std::string, Tensor>& tensors) {
    for (const auto& [name, tensor] : tensors) snapshot.tensors.emplace(prefix + name, tensor.detach().cpu().clone());
  };
  put("parameter/", phase.parameters);
  put("average/", phase.average);
  if (step < phase.steps) put("optimizer/", optimizer.state());
  return snapshot;
}

std::map<std::string, Tensor> with_prefix_removed(const TrainingState::Snapshot& snapshot, const std::string& prefix) {
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, tensor] : snapshot.tensors)
    if (name.starts_with(prefix)) tensors.emplace(name.substr(prefix.size()), tensor);
  return tensors;
}

void expect_finite(double value, const char* what, const Phase& phase, std::int64_t step, std::int64_t saved) {
  if (std::isfinite(value)) return;
  std::ostringstream message;
  message << "expected a finite " << what << ", got " << value << " at step " << step + 1 << " of " << phase.name
          << "; what was saved after step " << saved << " is kept. Try a lower learning_rate or a longer warmup";
  throw input_error("training", message.str());
}

// Where a phase stands: the steps done, and what is summed up for the next point of the curve.
struct Progress {
  std::int64_t step = 0;
  Window window;
};

// Goes on as the state says, or from the beginning where it holds nothing of the phase.
Progress resume(Phase& phase, AdamW& optimizer, const TrainingState& state) {
  const auto* snapshot = state.find(phase.name);
  if (!snapshot) return {};
  restore(phase.parameters, "parameter/", *snapshot);
  restore(phase.average, "average/", *snapshot);
  if (snapshot->step < phase.steps) optimizer.restore(with_prefix_removed(*snapshot, "optimizer/"));
  std::map<std::string, Tensor> sums{{"window", at::zeros({3}, at::kDouble)}};
  restore(sums, "", *snapshot);
  const double* values = sums.at("window").const_data_ptr<double>();
  return {snapshot->step, {static_cast<std::int64_t>(values[0]), values[1], values[2]}};
}

Tensor loss_at(const Phase& phase, std::int64_t step, std::uint64_t seed, at::Device device, Precision precision) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(stream_seed(seed, number_of(phase.name), step));
  const Autocast autocast(device, precision);
  return phase.loss(step, generator);
}

}  // namespace

bool train(Phase& phase, const OptimizerSettings& settings, std::uint64_t seed, at::Device device, TrainingState& state,
           const TrainingHooks& hooks) {
  const c10::AutoGradMode gradients(true);
  AdamW optimizer(phase.parameters, {settings.beta1, settings.beta2, settings.eps, settings.weight_decay});
  const RateSchedule rates{settings.learning_rate, settings.warmup, phase.steps, settings.decay};
  auto [step, window] = resume(phase, optimizer, state);
  hooks.begin(phase.name, phase.steps - step);
  std::int64_t saved = step;
  while (step < phase.steps) {
    const Tensor loss = loss_at(phase, step, seed, device, settings.precision);
    const double value = loss.item<double>();
    expect_finite(value, "loss", phase, step, saved);
    loss.backward();
    const double rate = rate_at(rates, step), norm = optimizer.step(rate, settings.clip);
    expect_finite(norm, "gradient", phase, step, saved);
    if (!phase.average.empty()) update_average(phase.average, phase.parameters, phase.ema);
    ++step;
    window.losses += value;
    window.norms += norm;
    if (step % settings.report_every == 0 || step == phase.steps) {
      const auto count = static_cast<double>(step - window.begin);
      const LossPoint point{phase.name, step, window.losses / count, window.norms / count, rate};
      state.add(point);
      hooks.report(point, (step - window.begin) * settings.batch);
      window = {step, 0, 0};
    }
    const auto& keep_at = settings.keep_at;
    if (phase.keep && std::find(keep_at.begin(), keep_at.end(), step) != keep_at.end()) phase.keep(step);
    const bool stop = step < phase.steps && hooks.stop();
    if (step % settings.save_every == 0 || step == phase.steps || stop) {
      state.save(phase.name, snapshot_of(phase, optimizer, step, window));
      saved = step;
    }
    if (stop) return false;
  }
  return true;
}

BatchOrder::BatchOrder(std::int64_t count, std::int64_t batch, std::uint64_t seed)
    : count_(count), batch_(batch), seed_(seed) {}

std::vector<std::int64_t> BatchOrder::rows(std::int64_t step) {
  std::vector<std::int64_t> rows;
  for (std::int64_t i = step * batch_; i < (step + 1) * batch_; ++i) {
    if (i / count_ != epoch_) {
      epoch_ = i / count_;
      permutation_.resize(static_cast<std::size_t>(count_));
      std::iota(permutation_.begin(), permutation_.end(), std::int64_t{0});
      // Fisher–Yates on a generator whose numbers the C++ standard fixes, as it does not those of std::shuffle.
      std::mt19937_64 random(stream_seed(seed_, epoch_, 1));
      for (std::size_t left = permutation_.size(); left > 1; --left)
        std::swap(permutation_[left - 1], permutation_[random() % left]);
    }
    rows.push_back(permutation_[static_cast<std::size_t>(i % count_)]);
  }
  return rows;
}

}  // namespace fewstep
