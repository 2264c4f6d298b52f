#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>

namespace fewstep {

// What this process may use of its machine: its affinity, and the limits of its control groups, version 1 or 2, and
// of those above them. root: where /proc and /sys are; another one in tests alone.

struct CpuLimits {
  int online = 1;               // CPUs of the machine
  int affinity = 1;             // CPUs that the scheduler may choose from
  std::optional<double> quota;  // CPUs' time that the control groups allow; nothing: no limit
  // CPUs to use: as many as run at once without being throttled, at least 1.
  int cpus() const;
};
CpuLimits cpu_limits(const std::filesystem::path& root = "/");

// Tasks of the machine that run or wait for a CPU right now, without this one.
int other_tasks(const std::filesystem::path& root = "/");

// Since the control group was made; zeros where there is no quota.
struct Throttling {
  std::int64_t periods = 0;  // in which the quota was used up
  double seconds = 0;        // that threads waited for the next period, all threads together
};
Throttling throttling(const std::filesystem::path& root = "/");

// Bytes that may still be allocated: of the machine, and of each control group its limit without what is used, where
// file pages that can be dropped are not counted. 0 where it cannot be read.
std::int64_t available_memory(const std::filesystem::path& root = "/");

}  // namespace fewstep
