#include "core/process_limits.h"

#include "temporary.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace fewstep {
namespace {

namespace fs = std::filesystem;

// /proc and /sys of another machine.
class FakeRoot {
 public:
  explicit FakeRoot(const std::map<std::string, std::string>& files) {
    folder_.write("proc/meminfo", "MemTotal: 8000000 kB\nMemAvailable:    4000000 kB\n");
    for (const auto& [name, text] : files) folder_.write(name, text);
  }
  const fs::path& path() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
};

constexpr const char* kMounts = "proc/self/mountinfo";
constexpr const char* kGroups = "proc/self/cgroup";
constexpr const char* kSecond = "30 20 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";

// A process in /job/step of a machine with control groups of version 2.
std::map<std::string, std::string> version2(const std::string& job, const std::string& step) {
  return {{kMounts, std::string("20 1 8:1 / / rw - ext4 /dev/sda rw\n") + kSecond},
          {kGroups, "0::/job/step\n"},
          {"sys/fs/cgroup/cgroup.procs", ""},
          {"sys/fs/cgroup/job/cpu.max", job},
          {"sys/fs/cgroup/job/step/cpu.max", step}};
}

std::map<std::string, std::string> version1(const std::string& root, const std::string& group,
                                            const std::string& folder, const std::string& quota) {
  const std::string place = "sys/fs/cgroup/cpu,cpuacct" + folder;
  return {{kMounts, "31 20 0:27 " + root + " /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n" +
                        "32 20 0:28 " + root + " /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"},
          {kGroups, "4:memory:" + group + "\n3:cpu,cpuacct:" + group + "\n0::/\n"},
          {place + "/cpu.cfs_quota_us", quota},
          {place + "/cpu.cfs_period_us", "100000\n"}};
}

TEST(CpuLimits, OfVersionTwoAreTheLeastOfAllGroupsAbove) {
  EXPECT_EQ(cpu_limits(FakeRoot(version2("max 100000\n", "max 100000\n")).path()).quota, std::nullopt);
  EXPECT_EQ(cpu_limits(FakeRoot(version2("max 100000\n", "50000 100000\n")).path()).quota, 0.5);
  EXPECT_EQ(cpu_limits(FakeRoot(version2("150000 100000\n", "max 100000\n")).path()).quota, 1.5);
  EXPECT_EQ(cpu_limits(FakeRoot(version2("30000 20000\n", "400000 100000\n")).path()).quota, 1.5);
  EXPECT_EQ(cpu_limits(FakeRoot(version2("nonsense", "")).path()).quota, std::nullopt);
}

TEST(CpuLimits, OfVersionOneAreReadTooInAndOutsideAContainer) {
  EXPECT_EQ(cpu_limits(FakeRoot(version1("/", "/a/b", "/a/b", "-1\n")).path()).quota, std::nullopt);
  EXPECT_EQ(cpu_limits(FakeRoot(version1("/", "/a/b", "/a/b", "50000\n")).path()).quota, 0.5);
  EXPECT_EQ(cpu_limits(FakeRoot(version1("/", "/a/b", "/a", "150000\n")).path()).quota, 1.5) << "of the group above";
  // The container's group is mounted as the root, and goes by its name outside.
  EXPECT_EQ(cpu_limits(FakeRoot(version1("/docker/1f", "/docker/1f", "", "100000\n")).path()).quota, 1);
  EXPECT_EQ(cpu_limits(FakeRoot(version1("/docker/1f", "/docker/1f/x", "/x", "100000\n")).path()).quota, 1);
  EXPECT_EQ(cpu_limits(FakeRoot(version1("/", "/../../docker/1f", "", "100000\n")).path()).quota, 1);
}

TEST(CpuLimits, WithoutControlGroupsAreTheAffinity) {
  const CpuLimits limits = cpu_limits(FakeRoot({}).path());
  EXPECT_EQ(limits.quota, std::nullopt);
  EXPECT_GE(limits.affinity, 1);
  EXPECT_LE(limits.affinity, limits.online);
  EXPECT_EQ(limits.cpus(), limits.affinity);
}

TEST(CpuLimits, GiveWholeCpusAndAtLeastOne) {
  const auto cpus = [](int affinity, std::optional<double> quota) { return CpuLimits{64, affinity, quota}.cpus(); };
  EXPECT_EQ(cpus(8, {}), 8);
  EXPECT_EQ(cpus(8, 0.5), 1);
  EXPECT_EQ(cpus(8, 1.0), 1);
  EXPECT_EQ(cpus(8, 1.5), 1);
  EXPECT_EQ(cpus(8, 3.0), 3);
  EXPECT_EQ(cpus(8, 16.0), 8);
  EXPECT_EQ(cpus(2, 3.9), 2);
}

TEST(OtherTasks, AreThoseThatRunWithoutOurs) {
  const auto tasks = [](const std::string& text) {
    return other_tasks(FakeRoot(std::map<std::string, std::string>{{"proc/loadavg", text}}).path());
  };
  EXPECT_EQ(tasks("0.41 0.52 0.60 3/245 9120\n"), 2);
  EXPECT_EQ(tasks("0.41 0.52 0.60 1/245 9120\n"), 0);
  EXPECT_EQ(tasks("nonsense"), 0);
  EXPECT_EQ(other_tasks(FakeRoot({}).path()), 0);
}

TEST(Throttling, IsThatOfTheGroupWithTheQuota) {
  auto files = version2("max 100000\n", "50000 100000\n");
  files["sys/fs/cgroup/job/cpu.stat"] = "usage_usec 9\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n";
  files["sys/fs/cgroup/job/step/cpu.stat"] = "usage_usec 9\nnr_periods 40\nnr_throttled 30\nthrottled_usec 1500000\n";
  const Throttling second = throttling(FakeRoot(files).path());
  EXPECT_EQ(second.periods, 30);
  EXPECT_EQ(second.seconds, 1.5);
  files = version1("/", "/a", "/a", "50000\n");
  files["sys/fs/cgroup/cpu,cpuacct/a/cpu.stat"] = "nr_periods 40\nnr_throttled 20\nthrottled_time 250000000\n";
  const Throttling first = throttling(FakeRoot(files).path());
  EXPECT_EQ(first.periods, 20);
  EXPECT_EQ(first.seconds, 0.25);
  files["sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us"] = "-1\n";
  EXPECT_EQ(throttling(FakeRoot(files).path()).seconds, 0) << "without a quota nothing is throttled";
}

TEST(AvailableMemory, IsTheLeastOfTheMachinesAndOfEachGroups) {
  EXPECT_EQ(available_memory(FakeRoot({}).path()), 4'096'000'000);
  auto files = version2("max 100000\n", "max 100000\n");
  files["sys/fs/cgroup/job/step/memory.max"] = "max\n";
  files["sys/fs/cgroup/job/step/memory.current"] = "1000\n";
  EXPECT_EQ(available_memory(FakeRoot(files).path()), 4'096'000'000);
  files["sys/fs/cgroup/job/memory.max"] = "2000000000\n";
  files["sys/fs/cgroup/job/memory.current"] = "1500000000\n";
  files["sys/fs/cgroup/job/memory.stat"] = "anon 5\nfile 700000000\ninactive_file 600000000\n";
  EXPECT_EQ(available_memory(FakeRoot(files).path()), 1'100'000'000) << "file pages can be dropped";
  files["sys/fs/cgroup/job/memory.current"] = "2100000000\n";
  files["sys/fs/cgroup/job/memory.stat"] = "inactive_file 0\n";
  EXPECT_EQ(available_memory(FakeRoot(files).path()), 0);
  files = version1("/", "/a", "/a", "-1\n");
  files["sys/fs/cgroup/memory/a/memory.limit_in_bytes"] = "9223372036854771712\n";  // none
  files["sys/fs/cgroup/memory/a/memory.usage_in_bytes"] = "3000000000\n";
  EXPECT_EQ(available_memory(FakeRoot(files).path()), 4'096'000'000);
  files["sys/fs/cgroup/memory/a/memory.limit_in_bytes"] = "4000000000\n";
  files["sys/fs/cgroup/memory/a/memory.stat"] = "inactive_file 7\ntotal_inactive_file 100000000\n";
  EXPECT_EQ(available_memory(FakeRoot(files).path()), 1'100'000'000);
}

}  // namespace
}  // namespace fewstep
