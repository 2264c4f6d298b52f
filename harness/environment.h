#pragma once
#include <c10/core/Device.h>

#include <cstdint>
#include <filesystem>
#include <string>

namespace fewstep {

// What the numbers were made on, as JSON with sorted keys: CPU, cores, threads, memory, system, LibTorch, device,
// fewstep's version and commit.
std::string environment_json(at::Device device);

// What a timing depends on and no hash may: "load 0.52 on 2 cores, clocks 2.9 to 3.1 GHz".
std::string load_text();

// CPU seconds since the machine started: of all that runs on it, and of this process.
struct CpuSeconds {
  double machine = 0, own = 0;
};
CpuSeconds cpu_seconds();

// Bytes that the device could still give: of CUDA's memory, of the machine's otherwise. 0 where it cannot be told.
std::int64_t free_memory(at::Device device);
// What a checkpoint may take of it while it is loaded and packed. Throws where the folder cannot be read.
double bytes_in_memory(const std::filesystem::path& checkpoint);

}  // namespace fewstep
