#include "checkpoints/unwritten_weights.h"

#include "checkpoints/checkpoint_info.h"
#include "formats/safetensors.h"
#include "models/checkpoint_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace fewstep {
namespace {

constexpr std::string_view kNotYet = "; its space is reserved and its bytes are not written yet";

bool has_holes(const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const off_t size = ::lseek(fd, 0, SEEK_END);
  const off_t hole = ::lseek(fd, 0, SEEK_HOLE);
  ::close(fd);
  return hole >= 0 && hole < size;
}

bool may_be_zero(std::string_view name) {
  constexpr std::array<std::string_view, 4> kParts{"lora_up", "lora_B", "lora.up", "cond_proj"};
  return std::any_of(kParts.begin(), kParts.end(), [&](auto part) { return name.find(part) != name.npos; });
}

bool is_zero(const TensorView& tensor) {
  return !tensor.data.empty() &&
         std::all_of(tensor.data.begin(), tensor.data.end(), [](std::byte one) { return one == std::byte{}; });
}

}  // namespace

std::string unwritten_weights(const std::filesystem::path& checkpoint) {
  for (const NetworkPart& network : family_of(checkpoint).networks) {
    const auto weights = find_weights(checkpoint / network.folder, std::string(network.weights));
    for (const auto& shard : weight_files(weights))
      if (has_holes(shard))
        return fmt::format("[{}] expected weights, got a file with holes{}", shard.string(), kNotYet);
    const auto file = SafetensorsFile::open(weights);
    for (const auto& [name, tensor] : file.tensors())
      if (tensor.shape.size() >= 2 && !may_be_zero(name) && is_zero(tensor))
        return fmt::format("[{}] expected weights, but {} is all zeros{}", weights.string(), name, kNotYet);
  }
  return "";
}

}  // namespace fewstep
