#pragma once
#include <cstddef>
#include <string_view>

namespace fewstep {

// Types of tensors in .safetensors files.
enum class DType { kF64, kF32, kF16, kBF16, kF8E4M3, kF8E5M2, kI64, kI32, kI16, kI8, kU8, kBool };
std::size_t size_of(DType dtype);
std::string_view name_of(DType dtype);  // "F32" …, as the format writes it

}  // namespace fewstep
