#pragma once
#include "metrics/score.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace fewstep {

// CLIP score: 100 × the cosine between image and caption, averaged over images. Both protocols prepare images as
// CLIPImageProcessorPil does (clip_pixels.h); Transformers' other processor, torchvision's, moves one image's score by
// up to 5e-3 and a mean by 2e-4.
//   transformers: captions cut to the model's length, the end token kept; the mean as it is.
//   torchmetrics: 1.9.0's convention. Longer captions lose their end token, so that all of them are pooled at the start
//                 token and get one and the same vector; the mean is clamped at 0 ("clamped-at-0" says so).
// Caption embeddings are kept: each caption passes the text tower once. A metric is not for two threads at once.
//
// The standard error counts images of one prompt as dependent.
Score clip_score(std::string_view protocol, std::span<const float> rows, std::span<const std::int64_t> groups);

}  // namespace fewstep
