#pragma once
#include "core/tensor.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace fewstep {

// What an untrained tensor holds, as PyTorch's layers start.
struct Initial {
  double value = 0;      // everywhere, or
  double bound = 0;      // uniform in ±bound, or
  double deviation = 0;  // normal
};
inline constexpr Initial kOnes{.value = 1}, kZeros{}, kEmbedding{.deviation = 0.02};
Initial uniform_of(std::int64_t fan_in);  // in ±1/√fan_in

// The named tensors of one network. Every name must be taken exactly once: a missing name, a wrong shape and a
// left-over name are errors (kInput) that name the file, the tensor, and what was expected and found.
class Weights {
 public:
  // A .safetensors file or .safetensors.index.json, mapped without a copy where dtype and device allow it.
  static Weights open(const std::filesystem::path& path, const Compute& compute);
  // Tensors already in memory; where names them in errors.
  static Weights of(std::map<std::string, Tensor> tensors, std::string where);
  // No tensors yet: every one that is taken is made as its Initial says, from streams of seed and name, and put into
  // `made`, which must outlive this.
  static Weights fresh(std::uint64_t seed, std::map<std::string, Tensor>& made);

  // initial: of fresh weights alone.
  Tensor take(const std::string& name, at::IntArrayRef shape, const Initial& initial = kZeros);
  std::optional<Tensor> take_if_present(const std::string& name, at::IntArrayRef shape);
  bool has(const std::string& name) const;
  // Names that may be present and are not used (buffers such as "text_model.embeddings.position_ids").
  void ignore(const std::string& name);
  void expect_all_taken() const;
  const std::string& where() const { return where_; }

 private:
  Tensor make(const std::string& name, at::IntArrayRef shape, const Initial& initial);

  std::string where_;
  std::map<std::string, Tensor> tensors_;
  std::map<std::string, Tensor>* made_ = nullptr;  // fresh ones
  std::uint64_t seed_ = 0;
};

// Writes tensors (any device, contiguous copies made one at a time) as .safetensors; dtype converts when given.
void save_tensors(const std::filesystem::path& path, const std::map<std::string, Tensor>& tensors,
                  std::optional<at::ScalarType> dtype = {}, const std::map<std::string, std::string>& metadata = {});
// All tensors of a file, as they are, on the CPU.
std::map<std::string, Tensor> load_tensors(const std::filesystem::path& path);

}  // namespace fewstep
