#include "core/shard.h"

#include "core/error.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace fewstep {
namespace {

constexpr int kMostShards = 1'000'000;

std::optional<int> number_in(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

struct Launcher {
  const char *rank, *size, *local;
  const char* step = nullptr;  // set in processes that were started to share work, where others have the rest, too
};
constexpr std::array<Launcher, 4> kLaunchers{
    {{"RANK", "WORLD_SIZE", "LOCAL_RANK"},
     {"SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_STEP_ID"},
     {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
     {"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"}}};

constexpr std::string_view kOf = "-of-";

std::filesystem::path named(const std::filesystem::path& whole, const std::string& index, int count) {
  const std::string part = fmt::format(".{}{}{}", index, kOf, count);
  return whole.parent_path() / (whole.stem().string() + part + whole.extension().string());
}

}  // namespace

Shard parse_shard(std::string_view text) {
  const auto slash = text.find('/');
  if (slash != std::string_view::npos) {
    const auto index = number_in(text.substr(0, slash)), count = number_in(text.substr(slash + 1));
    if (index && count && *count >= 1 && *count <= kMostShards && *index >= 1 && *index <= *count)
      return {*index, *count};
  }
  throw usage_error("--shard", "expected I/N with I from 1 to N, as 1/3, 2/3 and 3/3, got " + std::string(text));
}

std::string text_of(const Shard& shard) { return fmt::format("{} of {}", shard.index, shard.count); }

std::filesystem::path shard_store(const std::filesystem::path& whole, const Shard& shard) {
  return shard.is_whole() ? whole : named(whole, std::to_string(shard.index), shard.count);
}

std::filesystem::path any_shard_store(const std::filesystem::path& whole, const Shard& shard) {
  return named(whole, "*", shard.count);
}

std::optional<std::filesystem::path> whole_store(const std::filesystem::path& shard_store) {
  const std::filesystem::path stem = shard_store.stem();  // NAME.2-of-3
  const std::string part = stem.extension().string();
  const auto of = part.find(kOf);
  if (of == std::string::npos || !number_in(std::string_view(part).substr(1, of - 1)) ||
      !number_in(std::string_view(part).substr(of + kOf.size())))
    return std::nullopt;
  return shard_store.parent_path() / (stem.stem().string() + shard_store.extension().string());
}

std::optional<Launched> launched(const Lookup& lookup) {
  for (const auto& [rank_name, size_name, local_name, step_name] : kLaunchers) {
    const char *rank_text = lookup(rank_name), *size_text = lookup(size_name);
    if (!rank_text || !size_text || !*rank_text || !*size_text) continue;
    const auto rank = number_in(rank_text), size = number_in(size_text);
    if (!rank || !size || *size < 1 || *size > kMostShards || *rank < 0 || *rank >= *size) {
      throw usage_error(std::string(rank_name) + " and " + size_name,
                        std::string("expected a number from 0 to one less than the second, got ") + rank_text +
                            " and " + size_text + "; --shard 1/1 makes all of it here");
    }
    if (*size == 1) return std::nullopt;
    const char* local = lookup(local_name);
    return Launched{{*rank + 1, *size},
                    std::string(rank_name) + " and " + size_name,
                    local ? number_in(local) : std::nullopt,
                    !step_name || lookup(step_name)};
  }
  return std::nullopt;
}

}  // namespace fewstep
