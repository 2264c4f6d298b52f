#pragma once
#include "harness/generate/plan.h"
#include "models/tokenizer/tokenizer.h"

#include <cstdint>
#include <span>
#include <string>

namespace fewstep {

// Captions that the text encoder sees in part: diffusers' pipelines cut what is longer than max_length tokens, too.
struct CutCaptions {
  std::int64_t count = 0, of = 0, max_length = 0;
  std::size_t longest = 0, longest_tokens = 0;  // index of the longest caption, and its tokens with start and end
};
// The most that one of the tokenizers cuts.
CutCaptions cut_captions(std::span<const Tokenizer> tokenizers, std::span<const std::string> texts);
// The most that a tokenizer of the plan's checkpoints cuts; each different one is asked once.
CutCaptions cut_captions(const Plan& plan);

// Says how many are cut, and names the longest by its row in the caption file.
std::string text_of(const CutCaptions& cut, std::int64_t row);

}  // namespace fewstep
