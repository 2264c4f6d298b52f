#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

enum class DType { kF64, kF32, kF16, kBF16, kI64, kI32, kI16, kI8, kU8, kBool };
std::size_t size_of(DType dtype);
std::string_view name_of(DType dtype);  // "F32" …, as the format writes it

// One tensor inside a mapped file; data is valid as long as its SafetensorsFile lives.
struct TensorView {
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> data;
};

// A memory-mapped, fully validated .safetensors file, or all shards of a .safetensors.index.json.
// Format: https://github.com/huggingface/safetensors. Nothing is read or copied beyond the header.
class SafetensorsFile {
 public:
  // Throws Error (kInput) naming the file, the place in it, what was expected and what was found.
  static SafetensorsFile open(const std::filesystem::path& path);

  const std::map<std::string, TensorView>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  // Keeps the mapping alive on its own, for tensors made over it.
  std::shared_ptr<const void> mapping() const { return mapping_; }

 private:
  std::shared_ptr<const void> mapping_;
  std::map<std::string, TensorView> tensors_;
  std::map<std::string, std::string> metadata_;
};

// Writes tensors in name order, whole or not at all. Throws Error (kEnvironment) when the disk refuses.
void write_safetensors(const std::filesystem::path& path, const std::map<std::string, TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace fewstep
