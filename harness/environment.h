#pragma once
#include <c10/core/Device.h>

#include <string>

namespace fewstep {

// What the numbers were made on, as JSON with sorted keys: CPU, cores, threads, memory, system, LibTorch, device,
// fewstep's version and commit.
std::string environment_json(at::Device device);

}  // namespace fewstep
