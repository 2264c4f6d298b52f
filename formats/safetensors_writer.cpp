#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "formats/json.h"
#include "formats/safetensors.h"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

namespace fewstep {
namespace {

// Order in the file: the Python library's own, so that equal tensors give equal bytes.
constexpr std::array kOrder{DType::kI64, DType::kF64,    DType::kF32,    DType::kI32, DType::kBF16, DType::kF16,
                            DType::kI16, DType::kF8E4M3, DType::kF8E5M2, DType::kI8,  DType::kU8,   DType::kBool};

std::uint64_t bytes_of_layout(const std::string& name, const TensorLayout& layout) {
  std::uint64_t bytes = size_of(layout.dtype);
  for (const std::int64_t size : layout.shape) {
    if (size < 0 || __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(size), &bytes))
      throw input_error("write_safetensors", "expected a valid shape for " + in_quotes(name));
  }
  return bytes;
}

// ordered_json keeps the order of insertion; text as it is, as serde_json writes it.
std::string header_text(const std::vector<std::pair<std::string, TensorLayout>>& order,
                        const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  std::string text = "{";
  const auto add = [&](const std::string& name, const nlohmann::ordered_json& value) {
    text += (text.size() > 1 ? "," : "") + nlohmann::ordered_json(name).dump() + ":" + value.dump();
  };
  if (!metadata.empty()) add("__metadata__", metadata);
  std::uint64_t offset = 0;
  for (const auto& [name, layout] : order) {
    const std::uint64_t end = offset + bytes_of_layout(name, layout);
    add(name, {{"dtype", name_of(layout.dtype)}, {"shape", layout.shape}, {"data_offsets", {offset, end}}});
    offset = end;
  }
  text += "}";
  text.append((8 - text.size() % 8) % 8, ' ');  // tensor data starts aligned
  return text;
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, const std::map<std::string, TensorLayout>& layouts,
                       const std::function<std::span<const std::byte>(const std::string& name)>& bytes_of,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<std::pair<std::string, TensorLayout>> order(layouts.begin(), layouts.end());
  const auto rank = [](DType dtype) { return std::find(kOrder.begin(), kOrder.end(), dtype) - kOrder.begin(); };
  std::stable_sort(order.begin(), order.end(),
                   [&](const auto& a, const auto& b) { return rank(a.second.dtype) < rank(b.second.dtype); });
  const std::string header = header_text(order, metadata);
  std::string length;
  for (int i = 0; i < 8; ++i) length += static_cast<char>(header.size() >> (8 * i) & 0xff);
  write_file_atomically(path, [&](const AppendBytes& append) {
    append(length);
    append(header);
    for (const auto& [name, layout] : order) {
      const auto bytes = bytes_of(name);
      const auto expected = bytes_of_layout(name, layout);
      if (bytes.size() != expected) {
        throw input_error(path.string(),
                          fmt::format("expected {} bytes for {}, got {}", expected, in_quotes(name), bytes.size()));
      }
      append({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }
  });
}

void write_safetensors(const std::filesystem::path& path, const std::map<std::string, TensorView>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::map<std::string, TensorLayout> layouts;
  for (const auto& [name, view] : tensors) layouts.emplace(name, TensorLayout{view.dtype, view.shape});
  write_safetensors(
      path, layouts, [&](const std::string& name) { return tensors.at(name).data; }, metadata);
}

}  // namespace fewstep
