#pragma once
#include <c10/core/Device.h>

#include <string>
#include <string_view>

namespace fewstep {

// "auto" | "cpu" | "cuda" | "cuda:N". Loads libtorch_cuda.so on the first use of CUDA; auto takes CUDA where it works.
// Throws Error: kUsage for another word, kEnvironment when CUDA is asked for and is not there.
at::Device parse_device(std::string_view text);

// The device of a process by its number on its machine, as parse_device takes it: "cuda:N", or "cpu" where there is no
// CUDA device. More processes than devices go round.
std::string local_device(int local);

// Switches TF32 off for the whole process: metric networks must give the same numbers on a GPU as on a CPU.
void use_exact_float32();

}  // namespace fewstep
