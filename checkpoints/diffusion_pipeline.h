#pragma once
#include "core/tensor.h"
#include "models/tokenizer/tokenizer.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace fewstep {

// What a network sees of B captions.
struct Conditioning {
  Tensor states;  // [B,tokens,hidden]
  std::int64_t batch() const { return states.size(0); }
  std::int64_t bytes() const { return static_cast<std::int64_t>(states.nbytes()); }
};
// One after the other, along the batch.
Conditioning joined(const Conditioning& first, const Conditioning& second);
// Of one caption, for a batch; itself where it has that size already.
Conditioning repeated(const Conditioning& one, std::int64_t batch);
// Row i of each, as a batch. rows: pairs of what holds a row and its index there.
Conditioning stacked(std::span<const std::pair<const Conditioning*, std::int64_t>> rows);

// What decides a network's answer beside x and the text: two questions with equal keys and bits of x have equal
// answers.
struct EvaluationKey {
  double time = 0;
  double omega = 0;     // that the network itself sees; 0 where it sees none
  bool guided = false;  // both halves of classifier-free guidance, as one 2B batch
  bool operator==(const EvaluationKey&) const = default;
};

// x [B,C,h,w] → the raw prediction of the same shape, in the network's dtype.
using RawNetwork = std::function<Tensor(const EvaluationKey& key, const Tensor& x)>;

// The networks of a checkpoint behind functions, whatever its architecture. Copies share them.
struct DiffusionPipeline {
  std::function<Conditioning(std::span<const std::string> captions)> encode;
  std::function<RawNetwork(const Conditioning& text)> under;  // of as many captions as x has rows
  std::function<Tensor(const Tensor& latents)> decode;        // [B,C,h,w] → images [B,3,H,W], about −1..1
  std::vector<Tokenizer> tokenizers;                          // each of which may cut a caption
  Compute compute;
};

}  // namespace fewstep
