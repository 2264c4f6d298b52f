#pragma once
#include "checkpoints/checkpoint.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace fewstep {

// What decides a network's answer beside x and the text: two questions with equal keys and bits of x have equal
// answers.
struct EvaluationKey {
  double time = 0;
  double omega = 0;     // that the network itself sees; 0 where it sees none
  bool guided = false;  // both halves of classifier-free guidance, as one 2B batch
  bool operator==(const EvaluationKey&) const = default;
};

// Answers of one network under one text, found again by content.
class EvaluationMemo {
 public:
  // What the same question got before, or make(), which is kept for the next.
  Tensor find_or_make(const EvaluationKey& key, const Tensor& x, const std::function<Tensor()>& make);
  std::int64_t computed() const { return computed_; }  // evaluations an image; a guided one counts as two

 private:
  struct Entry {
    EvaluationKey key;
    Tensor x, answer;
  };
  std::vector<Entry> entries_;
  std::int64_t computed_ = 0;
};

// A checkpoint's UNet under the text of one batch, as every cell of that batch asks it.
class Evaluator {
 public:
  // states [B,tokens,hidden] of the prompts, negative [1 or B,tokens,hidden] of the negative (or empty) prompt. share:
  // the answer to a question is computed once. The checkpoint must outlive this.
  Evaluator(const Checkpoint& checkpoint, Tensor states, Tensor negative, bool share = false);

  // The raw prediction as float32: [B,C,h,w], or [2B,C,h,w] without and with the prompt where guided. x is not
  // modified.
  Tensor evaluate(const EvaluationKey& key, const Tensor& x);
  std::int64_t computed() const { return memo_.computed() + alone_; }
  const Checkpoint& checkpoint() const { return checkpoint_; }

 private:
  Tensor ask(const EvaluationKey& key, const Tensor& x);
  const UnetContext& context(bool guided);

  const Checkpoint& checkpoint_;
  Tensor states_, negative_;
  bool share_;
  EvaluationMemo memo_;
  std::int64_t alone_ = 0;
  UnetContext plain_, guided_;  // made when they are first asked for
};

}  // namespace fewstep
