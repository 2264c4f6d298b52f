#include "checkpoints/evaluator.h"

#include <ATen/ops/cat.h>

#include <algorithm>
#include <utility>

namespace fewstep {
namespace {

std::int64_t evaluations_of(const EvaluationKey& key) { return key.guided ? 2 : 1; }

}  // namespace

Tensor EvaluationMemo::find_or_make(const EvaluationKey& key, const Tensor& x, const std::function<Tensor()>& make) {
  const auto known = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const Entry& entry) { return entry.key == key && same_bits(entry.x, x); });
  if (known != entries_.end()) return known->answer;
  computed_ += evaluations_of(key);
  return entries_.emplace_back(key, x, make()).answer;
}

Evaluator::Evaluator(const Checkpoint& checkpoint, Conditioning text, Conditioning negative, bool share)
    : checkpoint_(checkpoint), text_(std::move(text)), negative_(std::move(negative)), share_(share) {}

Tensor Evaluator::evaluate(const EvaluationKey& key, const Tensor& x) {
  if (share_) return memo_.find_or_make(key, x, [&] { return ask(key, x); });
  alone_ += evaluations_of(key);
  return ask(key, x);
}

Tensor Evaluator::ask(const EvaluationKey& key, const Tensor& x) {
  return network(key.guided)(key, key.guided ? at::cat({x, x}) : x).to(at::kFloat);
}

const RawNetwork& Evaluator::network(bool guided) {
  RawNetwork& known = guided ? guided_ : plain_;
  if (!known) known = checkpoint_.pipeline.under(guided ? joined(repeated(negative_, text_.batch()), text_) : text_);
  return known;
}

}  // namespace fewstep
