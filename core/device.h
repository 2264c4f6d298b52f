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

// Of the whole process. parse_device switches TF32 off, so that float32 gives the same numbers on a GPU as on a CPU.
void allow_tf32(bool allowed);

// Waits until the device has done all it was given.
void synchronize(at::Device device);

}  // namespace fewstep
