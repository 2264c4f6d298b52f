#pragma once
#include "formats/dtype.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// One tensor inside a mapped file; data is valid as long as its SafetensorsFile lives.
struct TensorView {
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> data;
};

// A memory-mapped, fully validated .safetensors file, or all shards of a .safetensors.index.json.
// Format: https://github.com/huggingface/safetensors. Nothing is read or copied beyond the header. The mapping is
// private: writing to a tensor made over it changes neither the file nor another mapping.
class SafetensorsFile {
 public:
  // Throws Error (kInput) naming the file, the place in it, what was expected and what was found. Pickles (.bin, .pt,
  // .pth, .ckpt) are never read; the error tells how to convert them.
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

// Writes tensors by falling element size, then name, as the Python library does; whole or not at all. Throws Error
// (kEnvironment) when the disk refuses.
void write_safetensors(const std::filesystem::path& path, const std::map<std::string, TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

// The same with the bytes of one tensor at a time: bytes_of(name) stays valid until its next call.
struct TensorLayout {
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
};
void write_safetensors(const std::filesystem::path& path, const std::map<std::string, TensorLayout>& layouts,
                       const std::function<std::span<const std::byte>(const std::string& name)>& bytes_of,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace fewstep
