#pragma once
#include "core/tensor.h"
#include "settings/recipe.h"

#include <cstdint>
#include <map>
#include <string>

namespace fewstep {

// AdamW (Loshchilov & Hutter 2019) with PyTorch's arithmetic (LibTorch's fused kernel).
struct AdamWOptions {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.01;
};
class AdamW {
 public:
  // The tensors are updated in place; they are shared with the network that they belong to.
  AdamW(std::map<std::string, Tensor> parameters, AdamWOptions options);

  // One update from the gradients, which are cleared. max_norm > 0: their common norm is clipped to it first, as
  // torch.nn.utils.clip_grad_norm_ does. Returns the norm before clipping.
  double step(double learning_rate, double max_norm);

  // Moments and the number of updates, by name ("first/NAME", "second/NAME", "updates"): all that a resumed run needs.
  std::map<std::string, Tensor> state() const;
  void restore(
      const std::map<std::string, Tensor>& state);  // throws Error (kInput) where one is missing or does not fit

 private:
  std::map<std::string, Tensor> parameters_, first_, second_;
  AdamWOptions options_;
  std::int64_t updates_ = 0;
};

// Learning rate at a step from 0: a linear warm-up over `warmup` steps, then constant, or falling to 0 at `steps` in a
// straight line or a half cosine.
struct RateSchedule {
  double learning_rate = 1e-4;
  std::int64_t warmup = 0, steps = 1;
  Decay decay = Decay::kConstant;
};
double rate_at(const RateSchedule& schedule, std::int64_t step);

// average ← mu·average + (1−mu)·parameter, for every name.
void update_average(std::map<std::string, Tensor>& average, const std::map<std::string, Tensor>& parameters, double mu);

}  // namespace fewstep
