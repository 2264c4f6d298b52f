#pragma once
#include <cstdint>

namespace fewstep {

// The latents that a checkpoint was trained at, as its configurations say.
struct LatentShape {
  std::int64_t rows = 0, columns = 0, channels = 4;
  std::int64_t downscale = 8;  // image pixels to a latent
};

}  // namespace fewstep
