#include "core/process_limits.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

std::string text_in(const Path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || (end != text.data() + text.size() && *end != '\n')) return {};
  return number;
}
std::optional<std::int64_t> number_in(const Path& file) { return whole_number(text_in(file)); }

// The number of a "name number" line.
std::int64_t number_of_line(const Path& file, std::string_view name) {
  const auto words = words_of(text_in(file));
  const auto found = std::find(words.begin(), words.end(), name);
  return found == words.end() || found + 1 == words.end() ? 0 : whole_number(*(found + 1)).value_or(0);
}

bool has_item(std::string_view list, std::string_view item) {
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    if (list.substr(begin, end - begin) == item) return true;
    begin = end + 1;
  }
  return false;
}

struct Mount {
  std::string root;  // the group that is mounted there
  Path place;
};

// Where a controller's hierarchy is mounted. A line of mountinfo: id parent device ROOT PLACE options… - TYPE source
// OPTIONS (proc(5)).
std::optional<Mount> mount_of(const Path& root, int version, std::string_view controller) {
  std::ifstream lines(root / "proc/self/mountinfo");
  for (std::string line; std::getline(lines, line);) {
    const auto words = words_of(line);
    const auto dash = std::find(words.begin(), words.end(), "-");
    if (words.size() < 6 || words.end() - dash < 4) continue;
    const bool fits = version == 2 ? dash[1] == "cgroup2" : dash[1] == "cgroup" && has_item(dash[3], controller);
    if (fits) return Mount{words[3], root / Path(words[4]).relative_path()};
  }
  return {};
}

struct Group {
  int version = 2;
  std::vector<Path> folders;  // the process's own first, then those above it, as far as they are mounted
};

// The control group of this process for "cpu" or "memory". In a container the group is the mount's root, though
// /proc/self/cgroup may call it by its name outside.
std::optional<Group> group_of(const Path& root, std::string_view controller) {
  std::map<int, std::string> names;  // by version
  std::ifstream lines(root / "proc/self/cgroup");
  for (std::string line; std::getline(lines, line);) {  // ID:CONTROLLERS:NAME
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == line.npos || second == line.npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (has_item(controllers, controller)) names[1] = line.substr(second + 1);
    if (line.starts_with("0:") && controllers.empty()) names[2] = line.substr(second + 1);
  }
  for (const auto& [version, name] : names) {  // a controller of version 1 is none of version 2
    const auto mount = mount_of(root, version, controller);
    if (!mount) continue;
    std::string below = name;
    if (mount->root != "/") below = name.starts_with(mount->root) ? name.substr(mount->root.size()) : "";
    Path folder = mount->place / Path(below).relative_path();
    if (below.find("..") != below.npos) folder = mount->place;  // of a namespace above ours
    Group group{version, {}};
    for (folder = folder.lexically_normal(); folder.string().size() >= mount->place.lexically_normal().string().size();
         folder = folder.parent_path()) {
      group.folders.push_back(folder);
      if (folder == folder.parent_path()) break;
    }
    return group;
  }
  return {};
}

// CPUs' time in a period; nothing where a group has no limit.
std::optional<double> quota_of(int version, const Path& folder) {
  std::optional<std::int64_t> quota, period;
  if (version == 2) {
    const auto words = words_of(text_in(folder / "cpu.max"));  // "max 100000" or "50000 100000"
    if (words.size() == 2) {
      quota = whole_number(words[0]);
      period = whole_number(words[1]);
    }
  } else {
    quota = number_in(folder / "cpu.cfs_quota_us");
    period = number_in(folder / "cpu.cfs_period_us");
  }
  if (!quota || !period || *quota <= 0 || *period <= 0) return {};
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

int affinity_count(int online) {
  for (int size = std::max(1024, online); size <= 1 << 20; size *= 2) {
    cpu_set_t* set = CPU_ALLOC(static_cast<std::size_t>(size));
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(size));
    const bool known = ::sched_getaffinity(0, bytes, set) == 0;
    const int count = known ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (known) return std::max(1, count);
  }
  return online;
}

// Limit without what is used; nothing where a group has no limit.
std::optional<std::int64_t> memory_left(int version, const Path& folder) {
  const bool two = version == 2;
  const auto limit = number_in(folder / (two ? "memory.max" : "memory.limit_in_bytes"));
  const auto used = number_in(folder / (two ? "memory.current" : "memory.usage_in_bytes"));
  if (!limit || !used) return {};
  const std::int64_t droppable = number_of_line(folder / "memory.stat", two ? "inactive_file" : "total_inactive_file");
  return std::max<std::int64_t>(0, *limit - std::max<std::int64_t>(0, *used - droppable));
}

}  // namespace

int CpuLimits::cpus() const {
  const int whole = quota ? static_cast<int>(std::floor(*quota + 1e-9)) : affinity;
  return std::max(1, std::min(affinity, whole));
}

CpuLimits cpu_limits(const Path& root) {
  CpuLimits limits;
  limits.online = std::max(1, static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)));
  limits.affinity = affinity_count(limits.online);
  const auto group = group_of(root, "cpu");
  if (!group) return limits;
  for (const Path& folder : group->folders)
    if (const auto quota = quota_of(group->version, folder))
      limits.quota = limits.quota ? std::min(*limits.quota, *quota) : *quota;
  return limits;
}

int other_tasks(const Path& root) {
  const auto words = words_of(text_in(root / "proc/loadavg"));  // "0.41 0.52 0.60 2/245 9120": two tasks of 245
  const auto running = words.size() > 3 ? whole_number(words[3].substr(0, words[3].find('/'))) : std::nullopt;
  return static_cast<int>(std::clamp<std::int64_t>(running.value_or(1) - 1, 0, 1 << 20));
}

Throttling throttling(const Path& root) {
  Throttling most;
  const auto group = group_of(root, "cpu");
  if (!group) return most;
  for (const Path& folder : group->folders) {
    if (!quota_of(group->version, folder)) continue;
    const Path file = folder / "cpu.stat";
    const double seconds = group->version == 2 ? static_cast<double>(number_of_line(file, "throttled_usec")) / 1e6
                                               : static_cast<double>(number_of_line(file, "throttled_time")) / 1e9;
    if (seconds > most.seconds) most = {number_of_line(file, "nr_throttled"), seconds};
  }
  return most;
}

std::int64_t available_memory(const Path& root) {
  std::int64_t available = number_of_line(root / "proc/meminfo", "MemAvailable:") * 1024;
  const auto group = group_of(root, "memory");
  if (!group) return available;
  for (const Path& folder : group->folders)
    if (const auto left = memory_left(group->version, folder)) available = std::min(available, *left);
  return available;
}

}  // namespace fewstep
