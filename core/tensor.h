#pragma once
#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include "core/image.h"

#include <span>
#include <string_view>
#include <vector>

namespace fewstep {

using at::Tensor;

// Where and in which precision networks run.
struct Compute {
  at::Device device = at::kCPU;
  at::ScalarType dtype = at::kFloat;
};

// "auto" | "cpu" | "cuda:N". Loads libtorch_cuda.so on the first use of CUDA; auto takes CUDA where it works.
// Throws Error: kUsage for another word, kEnvironment when CUDA is asked for and is not there.
at::Device parse_device(std::string_view text);
// "float32" | "float16" | "bfloat16"; throws Error (kUsage) otherwise.
at::ScalarType parse_dtype(std::string_view text);

// Switches TF32 off for the whole process: metric networks must give the same numbers on a GPU as on a CPU.
void use_exact_float32();

// Lets the process keep what tensors free for the next ones. Returned to the system, each large activation costs its
// page faults anew: a fifth of the time of a VAE decode. Called first in main().
void keep_freed_memory();

// Float images [B,3,H,W] in −1..1 → 8-bit, round(255·clamp(x/2+½, 0, 1)), as diffusers' image processor rounds.
// Throws Error (kInput) where a value is not finite.
std::vector<Image> to_images(const Tensor& images);
// The way back: [B,3,H,W] float32 on the CPU in −1..1. All images must have one size.
Tensor from_images(std::span<const Image> images);

}  // namespace fewstep
