#include "process/environment.h"

#include "checkpoints/checkpoint_info.h"
#include "process/commit.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <torch/headeronly/version.h>
#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

namespace fewstep {
namespace {

// The value of the first "key : value" or KEY="value" line.
std::string line_value(const char* file, const std::string& key, char separator) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(key)) continue;
    auto begin = line.find(separator);
    if (begin == std::string::npos) continue;
    begin = line.find_first_not_of(" \t\"", begin + 1);
    if (begin == std::string::npos) return "";
    return line.substr(begin, line.find_last_not_of(" \t\"") + 1 - begin);
  }
  return "";
}

// The name comes from the driver's own interface, which needs no header and is there wherever CUDA works.
std::string cuda_name(int index) {
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY);
  if (!driver) return "CUDA device";
  const auto get = reinterpret_cast<int (*)(int*, int)>(dlsym(driver, "cuDeviceGet"));
  const auto name = reinterpret_cast<int (*)(char*, int, int)>(dlsym(driver, "cuDeviceGetName"));
  int device = 0;
  std::array<char, 256> text{};
  if (!get || !name || get(&device, index) != 0 || name(text.data(), text.size(), device) != 0) return "CUDA device";
  return text.data();
}

// The smallest and the largest clock of the cores, in GHz; nothing where the system does not say it.
std::string clocks_text() {
  std::ifstream lines("/proc/cpuinfo");
  double least = 0, most = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("cpu MHz")) continue;
    const double clock = std::strtod(line.c_str() + line.find(':') + 1, nullptr) / 1000;
    least = least == 0 ? clock : std::min(least, clock);
    most = std::max(most, clock);
  }
  return most > 0 ? fmt::format(", clocks {:.2f} to {:.2f} GHz", least, most) : "";
}

std::int64_t free_cuda_memory() {
  void* driver = dlopen("libcuda.so.1", RTLD_LAZY);
  const auto get =
      driver ? reinterpret_cast<int (*)(std::size_t*, std::size_t*)>(dlsym(driver, "cuMemGetInfo_v2")) : nullptr;
  std::size_t free = 0, total = 0;
  return get && get(&free, &total) == 0 ? static_cast<std::int64_t>(free) : 0;
}

}  // namespace

std::string load_text() {
  double load = 0;
  if (::getloadavg(&load, 1) != 1) return "unknown";
  return fmt::format("load {:.2f} on {} cores{}", load, std::thread::hardware_concurrency(), clocks_text());
}

CpuSeconds cpu_seconds() {
  CpuSeconds seconds;
  std::ifstream file("/proc/stat");
  std::string name;
  std::array<double, 8> ticks{};  // user, nice, system, idle, waiting, interrupts (two), stolen
  file >> name;
  for (double& value : ticks) file >> value;
  const double busy = ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6] + ticks[7];
  seconds.machine = file ? busy / static_cast<double>(::sysconf(_SC_CLK_TCK)) : 0;
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  for (const timeval& time : {usage.ru_utime, usage.ru_stime})
    seconds.own += static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  return seconds;
}

std::int64_t free_memory(at::Device device) {
  if (device.is_cuda()) return free_cuda_memory();
  return available_memory();
}

double bytes_on_disk(const CheckpointRef& checkpoint) {
  double bytes = 0;
  for (const auto& file : checkpoint_files(checkpoint.folder))
    bytes += static_cast<double>(std::filesystem::file_size(checkpoint.folder / file));
  return bytes;
}

double bytes_in_memory(const CheckpointRef& checkpoint) {
  constexpr double kTimes = 3;  // weights may be stored in half their bytes, and packing holds one twice for a moment
  return kTimes * bytes_on_disk(checkpoint);
}

std::string environment_json(at::Device device, const CpuLimits& limits) {
  utsname system{};
  uname(&system);
  const std::string cpu = line_value("/proc/cpuinfo", "model name", ':');
  nlohmann::json environment = {
      {"cpu", cpu},
      {"machine", system.machine},
      {"cores", limits.cpus()},
      {"threads", at::get_num_threads()},
      {"memory_bytes", static_cast<std::int64_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGE_SIZE)},
      {"os", line_value("/etc/os-release", "PRETTY_NAME", '=')},
      {"kernel", system.release},
      {"libtorch", TORCH_VERSION},
      {"device", device.is_cuda() ? cuda_name(device.index()) : cpu},
      {"device_kind", device.is_cuda() ? "cuda" : "cpu"},
      {"fewstep", FEWSTEP_VERSION},
      {"commit", kCommit}};
  if (limits.affinity < limits.online) environment["cpu_affinity"] = limits.affinity;
  if (limits.quota && *limits.quota < limits.affinity) environment["cpu_quota"] = *limits.quota;
  return environment.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace fewstep
