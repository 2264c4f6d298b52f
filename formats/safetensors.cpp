#include "formats/safetensors.h"

#include "core/error.h"
#include "core/stand_ins.h"
#include "core/text.h"
#include "formats/json.h"
#include "formats/pickles.h"
#include "formats/safetensors_header.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

namespace fewstep {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;
constexpr std::size_t kLengthBytes = 8;
std::span<const std::byte> bytes_at(const std::shared_ptr<const void>& mapping, std::size_t size) {
  return {static_cast<const std::byte*>(mapping.get()), size};
}

struct Mapping {
  std::shared_ptr<const void> address;
  std::size_t size = 0;
};

Mapping map_file(const fs::path& path) {
  const std::string where = path.string();
  refuse_stand_in(path);
  // Without O_NONBLOCK a named pipe would wait for its writer.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    const std::string reason = std::strerror(errno);
    if (const auto pickle = pickle_beside(path)) throw pickle_error(*pickle);
    throw input_error(where, "expected a .safetensors file, got: " + reason);
  }
  struct stat status {};
  const bool regular = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  const auto size = static_cast<std::size_t>(regular ? status.st_size : 0);
  if (!regular || size < kLengthBytes) {
    ::close(fd);
    throw input_error(where, regular ? fmt::format("expected at least 8 bytes, got {}", size)
                                     : "expected a regular file, got something else (a folder, a pipe)");
  }
  // Private and writable: a tensor over the mapping that is changed in place gets pages of its own.
  void* address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
  const int failure = errno;
  ::close(fd);
  if (address == MAP_FAILED) throw environment_error(where, std::string("cannot be mapped: ") + std::strerror(failure));
  return {std::shared_ptr<const void>(address, [size](const void* p) { ::munmap(const_cast<void*>(p), size); }), size};
}

// Little-endian, as the format has it.
std::uint64_t header_length(std::span<const std::byte> file) {
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i) length |= std::to_integer<std::uint64_t>(file[i]) << (8 * i);
  return length;
}

std::span<const std::byte> check_length(std::span<const std::byte> file, const fs::path& path) {
  const std::string where = path.string();
  const std::string_view start(reinterpret_cast<const char*>(file.data()), kLengthBytes);
  if (start.starts_with("PK\x03\x04") || start.starts_with("\x80\x02")) throw pickle_error(path);
  const std::uint64_t length = header_length(file);
  if (length > kMaxHeaderBytes) {
    throw input_error(where, fmt::format("expected a header of at most {} bytes, got {}; is it a .safetensors file?",
                                         kMaxHeaderBytes, length));
  }
  if (length > file.size() - kLengthBytes) {
    throw input_error(
        where, fmt::format("expected a header of {} bytes, got a file of {}; it is truncated: copy it again", length,
                           file.size()));
  }
  return file.subspan(kLengthBytes, length);
}

struct OneFile {
  std::shared_ptr<const void> mapping;
  std::map<std::string, TensorView> tensors;
  std::map<std::string, std::string> metadata;
};

OneFile open_one(const fs::path& path) {
  const auto [mapping, size] = map_file(path);
  const auto file = bytes_at(mapping, size);
  const auto header = check_length(file, path);
  const auto data = file.subspan(kLengthBytes + header.size());
  auto parsed = parse_safetensors_header({reinterpret_cast<const char*>(header.data()), header.size()}, data.size(),
                                         path.string());
  OneFile result{mapping, {}, std::move(parsed.metadata)};
  for (auto& [name, entry] : parsed.entries) {
    result.tensors.emplace_hint(
        result.tensors.end(), name,
        TensorView{entry.dtype, std::move(entry.shape), data.subspan(entry.begin, entry.end - entry.begin)});
  }
  return result;
}

// weight_map of an index: tensor name → shard, a plain file name in the folder of the index.
std::map<std::string, std::string> read_weight_map(const fs::path& index) {
  const std::string where = index.string();
  const auto json = read_json_object(index);
  if (!json.contains("weight_map") || !json["weight_map"].is_object()) {
    throw input_error(where, "expected an object weight_map: tensor name to shard file");
  }
  std::map<std::string, std::string> shards;
  for (const auto& [name, shard] : json["weight_map"].items()) {
    const std::string place = where + ": weight_map " + in_quotes(name);
    if (!shard.is_string()) throw input_error(place, std::string("expected a file name, got ") + shard.type_name());
    const auto& file = shard.get_ref<const std::string&>();
    if (file.empty() || file == "." || file == ".." || file.find_first_of("/\\") != std::string::npos ||
        file.find('\0') != std::string::npos) {
      throw input_error(place, "expected the name of a file beside the index, got " + in_quotes(file));
    }
    shards.emplace(name, file);
  }
  if (shards.empty()) throw input_error(where, "expected at least one tensor in weight_map, got none");
  return shards;
}

OneFile open_sharded(const fs::path& index) {
  const auto weight_map = read_weight_map(index);
  std::set<std::string> shards;
  for (const auto& [name, shard] : weight_map) shards.insert(shard);
  auto mappings = std::make_shared<std::vector<std::shared_ptr<const void>>>();
  OneFile result;
  for (const auto& shard : shards) {
    const fs::path path = index.parent_path() / shard;
    std::error_code ignored;
    if (!is_dangling(path) && !fs::exists(path, ignored)) {
      throw input_error(index.string(), "expected the shard " + in_quotes(shard) + " beside it, got no such file");
    }
    OneFile part = open_one(path);
    // All that the shards hold, whether the index names it or not, and of two the later: as the references load them.
    for (auto& [name, view] : part.tensors) result.tensors.insert_or_assign(name, std::move(view));
    mappings->push_back(part.mapping);
    result.metadata.merge(part.metadata);
  }
  for (const auto& [name, shard] : weight_map) {
    if (!result.tensors.contains(name)) {
      throw input_error(index.string(), "expected the tensor " + in_quotes(name) + " in shard " + in_quotes(shard) +
                                            ", which does not hold it");
    }
  }
  result.mapping = std::shared_ptr<const void>(mappings, mappings.get());
  return result;
}

}  // namespace

SafetensorsFile SafetensorsFile::open(const fs::path& path) {
  if (is_pickle(path)) {
    std::error_code ignored;
    if (!fs::exists(path, ignored)) throw input_error(path.string(), "expected a .safetensors file, got no such file");
    throw pickle_error(path);
  }
  OneFile opened = path.extension() == ".json" ? open_sharded(path) : open_one(path);
  SafetensorsFile file;
  file.mapping_ = std::move(opened.mapping);
  file.tensors_ = std::move(opened.tensors);
  file.metadata_ = std::move(opened.metadata);
  return file;
}

}  // namespace fewstep
