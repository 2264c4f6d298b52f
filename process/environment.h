#pragma once
#include "core/checkpoint_ref.h"
#include "core/process_limits.h"

#include <c10/core/Device.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace fewstep {

// What the numbers were made on, as JSON with sorted keys: CPU, cores, threads, memory, system, LibTorch, device,
// fewstep's version and commit; and where they limit, the affinity and the CPU quota of the process.
std::string environment_json(at::Device device, const CpuLimits& limits = cpu_limits());

// What a timing depends on and no hash may: "load 0.52 on 2 cores, clocks 2.9 to 3.1 GHz".
std::string load_text();

// CPU seconds since the machine started: of all that runs on it, and of this process.
struct CpuSeconds {
  double machine = 0, own = 0;
};
CpuSeconds cpu_seconds();

// Bytes that the device could still give: of CUDA's memory, otherwise of the machine's and of the control group's
// limit. 0 where it cannot be told.
std::int64_t free_memory(at::Device device);
// A checkpoint's files. Throws where the folder cannot be read.
double bytes_on_disk(const CheckpointRef& checkpoint);
// What a checkpoint may take of it while it is loaded and packed. Throws where the folder cannot be read.
double bytes_in_memory(const CheckpointRef& checkpoint);

}  // namespace fewstep
