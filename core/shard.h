#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace fewstep {

// A run's part of the work: every count-th batch from the index-th on.
struct Shard {
  int index = 1, count = 1;  // from 1
  bool is_whole() const { return count == 1; }
  bool has(std::int64_t batch) const { return batch % count == index - 1; }
  bool operator==(const Shard&) const = default;
};

// "2/3". Throws Error (kUsage) for another text.
Shard parse_shard(std::string_view text);
std::string text_of(const Shard& shard);  // "2 of 3"

// The store of a shard, NAME.2-of-3.sqlite of NAME.sqlite; the whole's own where the shard is all of it.
std::filesystem::path shard_store(const std::filesystem::path& whole, const Shard& shard);
// All of them as a shell takes it: NAME.*-of-3.sqlite.
std::filesystem::path any_shard_store(const std::filesystem::path& whole, const Shard& shard);
// The way back; nothing where a store is not named as a shard's.
std::optional<std::filesystem::path> whole_store(const std::filesystem::path& shard_store);

// What a launcher says of this process: torchrun (RANK, WORLD_SIZE), Slurm (SLURM_PROCID, SLURM_NTASKS), Open MPI
// (OMPI_COMM_WORLD_RANK, …_SIZE) or MPICH (PMI_RANK, PMI_SIZE), the first that is there.
struct Launched {
  Shard shard;
  std::string variables;     // "RANK and WORLD_SIZE"
  std::optional<int> local;  // number of the process on its machine, from 0
  bool is_step = true;       // false where Slurm allotted tasks and srun did not start this process
};
using Lookup = std::function<const char*(const char* name)>;  // as std::getenv
// Nothing where no launcher says that there are two processes or more. Throws Error (kUsage) for numbers that make no
// sense.
std::optional<Launched> launched(const Lookup& lookup);

}  // namespace fewstep
