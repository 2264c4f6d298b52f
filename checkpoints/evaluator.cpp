#include "checkpoints/evaluator.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>

#include <algorithm>
#include <utility>

namespace fewstep {
namespace {

std::int64_t evaluations_of(const EvaluationKey& key) { return key.guided ? 2 : 1; }

Tensor repeated(const Tensor& states, std::int64_t batch) {
  return states.size(0) == batch ? states : states.expand({batch, states.size(1), states.size(2)});
}

}  // namespace

Tensor EvaluationMemo::find_or_make(const EvaluationKey& key, const Tensor& x, const std::function<Tensor()>& make) {
  const auto known = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.key == key && same_bits(entry.x, x); });
  if (known != entries_.end()) return known->answer;
  computed_ += evaluations_of(key);
  return entries_.emplace_back(key, x, make()).answer;
}

Evaluator::Evaluator(const Checkpoint& checkpoint, Tensor states, Tensor negative, bool share)
    : checkpoint_(checkpoint), states_(std::move(states)), negative_(std::move(negative)), share_(share) {}

Tensor Evaluator::evaluate(const EvaluationKey& key, const Tensor& x) {
  if (share_) return memo_.find_or_make(key, x, [&] { return ask(key, x); });
  alone_ += evaluations_of(key);
  return ask(key, x);
}

Tensor Evaluator::ask(const EvaluationKey& key, const Tensor& x) {
  const Unet& unet = checkpoint_.unet;
  const Tensor input = key.guided ? at::cat({x, x}) : x;
  const std::int64_t batch = input.size(0);
  Tensor embedding;
  if (checkpoint_.info.omega_embedding) {
    const Tensor omega = at::full({1}, key.omega, at::TensorOptions(at::kFloat));
    embedding = embed_omega(omega, *unet.config.time_cond_proj_dim).to(unet.compute.device);
    embedding = embedding.expand({batch, embedding.size(1)});
  }
  const Tensor times = at::full({batch}, key.time, input.options().dtype(at::kFloat));
  return forward(unet, input, times, context(key.guided), embedding).to(at::kFloat);
}

const UnetContext& Evaluator::context(bool guided) {
  UnetContext& known = guided ? guided_ : plain_;
  if (known.defined()) return known;
  const std::int64_t batch = states_.size(0);
  known = make_context(checkpoint_.unet, guided ? at::cat({repeated(negative_, batch), states_}) : states_);
  return known;
}

}  // namespace fewstep
