#pragma once
#include "distill/optimizer.h"
#include "distill/training_state.h"
#include "settings/recipe.h"

#include <ATen/core/Generator.h>

#include <cstdint>
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
