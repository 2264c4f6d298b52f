#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include "core/dtype.h"
#include "core/image.h"

#include <span>
#include <string_view>
#include <vector>

namespace fewstep {

using at::Tensor;

// Where and in which precision networks run.
// On the meta device weights have shapes and no bytes: what is loaded there was checked against its files' headers, not
// read, and has no hash.
struct Compute {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
};

at::ScalarType scalar_type(Dtype dtype);
// Throws Error (kUsage) for a name that is none of kDtypes.
at::ScalarType parse_dtype(std::string_view text);
std::string_view name_of(at::ScalarType dtype);  // of the three

// Lets the process keep what tensors free for the next ones. Returned to the system, each large activation costs its
// page faults anew: a fifth of the time of a VAE decode. Called first in main().
void keep_freed_memory();

// Whether two tensors have the same shape, type and bits; NaN equals itself, 0 does not equal −0.
bool same_bits(const Tensor& a, const Tensor& b);

// How many of the B first-dimension slices hold a value that is not finite.
std::int64_t count_not_finite(const Tensor& batch);

// Float images [B,3,H,W] in −1..1 → 8-bit, round(255·clamp(x/2+½, 0, 1)), as diffusers' image processor rounds.
// Throws Error (kInput) where a value is not finite.
std::vector<Image> to_images(const Tensor& images);
// The way back: [B,3,H,W] float32 on the CPU in −1..1. All images must have one size.
Tensor from_images(std::span<const Image> images);

}  // namespace fewstep
