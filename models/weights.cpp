#include "models/weights.h"

#include "core/error.h"
#include "core/files.h"
#include "core/known_mistakes.h"
#include "core/names.h"
#include "core/rng.h"
#include "core/text.h"
#include "formats/json.h"
#include "formats/safetensors.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <sstream>
#include <utility>

namespace fewstep {
namespace {

constexpr std::array<std::pair<DType, at::ScalarType>, 12> kTypes{{
    {DType::kF64, at::kDouble},
    {DType::kF32, at::kFloat},
    {DType::kF16, at::kHalf},
    {DType::kBF16, at::kBFloat16},
    {DType::kF8E4M3, at::kFloat8_e4m3fn},
    {DType::kF8E5M2, at::kFloat8_e5m2},
    {DType::kI64, at::kLong},
    {DType::kI32, at::kInt},
    {DType::kI16, at::kShort},
    {DType::kI8, at::kChar},
    {DType::kU8, at::kByte},
    {DType::kBool, at::kBool},
}};

at::ScalarType scalar_type(DType dtype) {
  for (const auto& [ours, torch] : kTypes) {
    if (ours == dtype) return torch;
  }
  return at::kFloat;
}

DType dtype_of(at::ScalarType type, const std::string& name, const std::string& where) {
  for (const auto& [ours, torch] : kTypes) {
    if (torch == type) return ours;
  }
  throw input_error(where, "expected a dtype that .safetensors has, got " + std::string(c10::toString(type)) + " for " +
                               in_quotes(name));
}

std::string text_of(at::IntArrayRef shape) {
  std::ostringstream text;
  text << shape;
  return text.str();
}

// A tensor over the mapped bytes, which stay mapped as long as it lives. A tensor that does not start at a multiple of
// its element size is copied.
Tensor tensor_over(const TensorView& view, const std::shared_ptr<const void>& mapping) {
  const auto options = at::TensorOptions().dtype(scalar_type(view.dtype));
  if (view.data.empty()) return at::empty(view.shape, options);
  auto* bytes = const_cast<std::byte*>(view.data.data());
  if (reinterpret_cast<std::uintptr_t>(bytes) % size_of(view.dtype) != 0) {
    const auto flat = at::from_blob(bytes, {static_cast<std::int64_t>(view.data.size())}, at::kByte);
    return flat.clone().view(scalar_type(view.dtype)).reshape(view.shape);
  }
  return at::from_blob(
      bytes, view.shape, [mapping](void*) {}, options);
}

Tensor converted(const Tensor& tensor, const Compute& compute) {
  // Integers keep their type, so that take can say which it found.
  const auto dtype = tensor.is_floating_point() ? compute.dtype : tensor.scalar_type();
  return tensor.to(compute.device, dtype);
}

}  // namespace

Initial uniform_of(std::int64_t fan_in) { return {.bound = 1 / std::sqrt(static_cast<double>(fan_in))}; }

Weights Weights::open(const std::filesystem::path& path, const Compute& compute) {
  const auto file = SafetensorsFile::open(path);
  Weights weights;
  weights.where_ = path.string();
  for (const auto& [name, view] : file.tensors()) {
    weights.tensors_.emplace(name, converted(tensor_over(view, file.mapping()), compute));
  }
  return weights;
}

Weights Weights::of(std::map<std::string, Tensor> tensors, std::string where) {
  Weights weights;
  weights.where_ = std::move(where);
  weights.tensors_ = std::move(tensors);
  return weights;
}

Weights Weights::fresh(std::uint64_t seed, std::map<std::string, Tensor>& made) {
  Weights weights;
  weights.where_ = "fresh weights";
  weights.made_ = &made;
  weights.seed_ = seed;
  return weights;
}

Tensor Weights::make(const std::string& name, at::IntArrayRef shape, const Initial& initial) {
  auto generator = at::make_generator<at::CPUGeneratorImpl>(stream_seed(seed_, number_of(name), 0));
  Tensor tensor = at::empty(shape, at::kFloat);
  if (initial.deviation > 0)
    tensor.normal_(0, initial.deviation, generator);
  else if (initial.bound > 0)
    tensor.uniform_(-initial.bound, initial.bound, generator);
  else
    tensor.fill_(initial.value);
  made_->emplace(name, tensor);
  return tensor;
}

bool Weights::has(const std::string& name) const { return tensors_.contains(name); }

void Weights::ignore(const std::string& name) { tensors_.erase(name); }

std::optional<Tensor> Weights::take_if_present(const std::string& name, at::IntArrayRef shape) {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) return {};
  if (!found->second.is_floating_point()) {
    throw input_error(where_, "expected floating-point numbers in tensor " + in_quotes(name) + ", got " +
                                  std::string(name_of(dtype_of(found->second.scalar_type(), name, where_))) +
                                  remedy(KnownMistake::kQuantised));
  }
  if (found->second.sizes() != shape) {
    throw input_error(where_, "expected tensor " + in_quotes(name) + " of shape " + text_of(shape) + ", got " +
                                  text_of(found->second.sizes()) + "; do config.json and weights belong together?");
  }
  Tensor tensor = std::move(found->second);
  tensors_.erase(found);
  return tensor;
}

Tensor Weights::take(const std::string& name, at::IntArrayRef shape, const Initial& initial) {
  if (made_) return make(name, shape, initial);
  if (auto tensor = take_if_present(name, shape)) return *std::move(tensor);
  std::vector<std::string> names;
  for (const auto& [other, tensor] : tensors_) names.push_back(other);
  const bool lora = std::any_of(names.begin(), names.end(), [](const std::string& other) {
    return other.find(".lora_") != std::string::npos || other.find(".base_layer.") != std::string::npos;
  });
  const std::string near = lora ? "" : nearest_name(name, names);
  throw input_error(where_, "expected tensor " + in_quotes(name) + " of shape " + text_of(shape) + ", got none" +
                                (near.empty() ? "" : "; the nearest name is " + in_quotes(near)) +
                                (lora ? remedy(KnownMistake::kFusedLora) : ""));
}

void Weights::expect_all_taken() const {
  if (tensors_.empty()) return;
  constexpr std::size_t kListed = 5;
  std::string names;
  std::size_t listed = 0;
  for (const auto& [name, tensor] : tensors_) {
    if (listed++ == kListed) break;
    names += (names.empty() ? "" : ", ") + in_quotes(name) + " " + text_of(tensor.sizes());
  }
  throw input_error(where_, fmt::format("expected every tensor to belong to the network, got {} left over: {}{}; do "
                                        "config.json and weights belong together?",
                                        tensors_.size(), names, (tensors_.size() > kListed ? ", …" : "")));
}

void save_tensors(const std::filesystem::path& path, const std::map<std::string, Tensor>& tensors,
                  std::optional<at::ScalarType> dtype, const std::map<std::string, std::string>& metadata) {
  const auto stored_type = [&](const Tensor& tensor) {
    return dtype && tensor.is_floating_point() ? *dtype : tensor.scalar_type();
  };
  std::map<std::string, TensorLayout> layouts;
  for (const auto& [name, tensor] : tensors) {
    layouts.emplace(name, TensorLayout{dtype_of(stored_type(tensor), name, path.string()), tensor.sizes().vec()});
  }
  Tensor current;  // the one copy alive at a time
  const auto bytes_of = [&](const std::string& name) {
    const Tensor& tensor = tensors.at(name);
    current = Tensor();
    current = tensor.detach().to(at::kCPU, stored_type(tensor)).contiguous();
    return std::span(static_cast<const std::byte*>(current.const_data_ptr()), current.nbytes());
  };
  write_safetensors(path, layouts, bytes_of, metadata);
}

std::map<std::string, Tensor> load_tensors(const std::filesystem::path& path) {
  const auto file = SafetensorsFile::open(path);
  std::map<std::string, Tensor> tensors;
  for (const auto& [name, view] : file.tensors()) tensors.emplace(name, tensor_over(view, file.mapping()));
  return tensors;
}

}  // namespace fewstep
