#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace fewstep {

// Standard normal noise for one batch; sizes is the whole batch's shape [B,C,h,w]. Always float32 on the CPU.
struct Rng {
  std::function<at::Tensor(at::IntArrayRef sizes)> normal;
};

// The seed of one image's stream, from the run's seed, the row of its caption in the source file, and the image's
// index. It fits in 63 bits, so torch.Generator().manual_seed(stream_seed) gives the same noise in Python.
std::uint64_t stream_seed(std::uint64_t seed, std::int64_t row, std::int64_t image_index);

// One stream per image of the batch: element b of every draw comes from streams[b] alone, so that an image does not
// depend on its batch. Draws equal torch.randn([1,C,h,w], generator=manual_seed(streams[b])) in sequence.
Rng image_rng(std::span<const std::uint64_t> streams);

// Replays given noise [D,B,C,h,w], one slice a draw; throws Error (kInput) when it runs out or the shape differs.
Rng recorded_rng(at::Tensor noise);

}  // namespace fewstep
