#pragma once
#include <cstdint>

namespace fewstep {

// The loops of fused_group_norm over rows of channels (one pixel each), in float32 or, as raw bits, bfloat16.

// Adds the sums and the sums of squares of every channel to sums[0..channels) and squares[0..channels).
void add_moments(const float* rows, std::int64_t pixels, std::int64_t channels, double* sums, double* squares);
void add_moments(const std::uint16_t* rows, std::int64_t pixels, std::int64_t channels, double* sums, double* squares);

// to = from · scale + shift per channel, then SiLU where it is asked for.
void scale_rows(const float* from, float* to, std::int64_t pixels, std::int64_t channels, const float* scale,
                const float* shift, bool silu);
void scale_rows(const std::uint16_t* from, std::uint16_t* to, std::int64_t pixels, std::int64_t channels,
                const float* scale, const float* shift, bool silu);

}  // namespace fewstep
