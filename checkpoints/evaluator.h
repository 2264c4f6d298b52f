#pragma once
#include "checkpoints/checkpoint.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace fewstep {

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

// A checkpoint's network under the text of one batch, as every cell of that batch asks it.
class Evaluator {
 public:
  // text: of the B prompts; negative: of the negative (or empty) prompt, once or B times. share: the answer to a
  // question is computed once. The checkpoint must outlive this.
  Evaluator(const Checkpoint& checkpoint, Conditioning text, Conditioning negative, bool share = false);

  // The raw prediction as float32: [B,C,h,w], or [2B,C,h,w] without and with the prompt where guided. x is not
  // modified.
  Tensor evaluate(const EvaluationKey& key, const Tensor& x);
  std::int64_t computed() const { return memo_.computed() + alone_; }
  const Checkpoint& checkpoint() const { return checkpoint_; }

 private:
  Tensor ask(const EvaluationKey& key, const Tensor& x);
  const RawNetwork& network(bool guided);

  const Checkpoint& checkpoint_;
  Conditioning text_, negative_;
  bool share_;
  EvaluationMemo memo_;
  std::int64_t alone_ = 0;
  RawNetwork plain_, guided_;  // made when they are first asked for
};

}  // namespace fewstep
