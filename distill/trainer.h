#pragma once
#include "distill/optimizer.h"
#include "formats/loss_curve.h"
#include "settings/recipe.h"

#include <ATen/core/Generator.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace fewstep {

// What a stretch of training is made of. Tensors are shared with the networks that the loss runs.
struct Phase {
  std::string name;  // "lcd", "stage-one", "8-steps"; unique within a recipe
  std::int64_t steps = 0;
  std::map<std::string, Tensor> parameters;
  std::map<std::string, Tensor> average;  // empty: none
  double ema = 0;
  // The loss of a step from 0, with the graph to the parameters. All that it draws comes from the generator, which is
  // seeded by (recipe, phase, step): a resumed run draws what an uninterrupted one would.
  std::function<Tensor(std::int64_t step, at::Generator& generator)> loss;
  std::function<void(std::int64_t step)> keep = {};  // called after every step of keep_at
};

// What the caller of a training run sees and decides.
struct TrainingHooks {
  std::function<void(const std::string& phase, std::int64_t steps)> begin;  // of every phase, also one that is done
  std::function<void(const LossPoint& point, std::int64_t images)> report;  // every report_every steps
  std::function<bool()> stop;                                               // asked after every step
};

// Where a run stands, kept in one file that is written whole or not at all.
class TrainingState {
 public:
  // Reads the file where there is one. Throws Error (kInput) when it is broken, kUsage when it belongs to another
  // recipe (whose identity is another).
  TrainingState(std::filesystem::path file, std::string identity);

  // What is kept of a phase that is under way or done, under the phase's own names.
  struct Snapshot {
    std::int64_t step = 0;
    std::map<std::string, Tensor> tensors;  // "parameter/…", "average/…", "optimizer/…"
  };
  const Snapshot* find(const std::string& phase) const;
  const LossCurve& curve() const { return curve_; }
  // Spent on this training so far, all its processes together; what a killed one did after its last save is not
  // counted.
  double seconds() const;

  void save(const std::string& phase, Snapshot snapshot);
  void add(const LossPoint& point) { curve_.push_back(point); }
  // A phase before the present one has done its work.
  void forget(const std::string& phase) { phases_.erase(phase); }

 private:
  void write() const;
  std::filesystem::path file_;
  std::string identity_;
  std::map<std::string, Snapshot> phases_;
  LossCurve curve_;
  double seconds_before_ = 0;
  std::chrono::steady_clock::time_point opened_ = std::chrono::steady_clock::now();
};

// Runs a phase from where the state says to its end; the parameters (and the average) then hold the result. Saves every
// save_every steps and at the end. Returns false when it was stopped (saved, too). Throws Error (kInput) at a loss or
// gradient that is not finite, naming the step; what was saved before is kept.
bool train(Phase& phase, const OptimizerSettings& settings, std::uint64_t seed, at::Device device, TrainingState& state,
           const TrainingHooks& hooks);

// Rows of the data set for a step: every epoch is a permutation of its own, drawn from (seed, epoch).
class BatchOrder {
 public:
  BatchOrder(std::int64_t count, std::int64_t batch, std::uint64_t seed);
  std::vector<std::int64_t> rows(std::int64_t step);

 private:
  std::int64_t count_, batch_;
  std::uint64_t seed_;
  std::int64_t epoch_ = -1;
  std::vector<std::int64_t> permutation_;
};

}  // namespace fewstep
