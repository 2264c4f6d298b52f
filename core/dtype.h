#pragma once
#include <array>
#include <cstddef>
#include <string_view>

namespace fewstep {

// Precision of weights and activations, as files and the command line name it.
enum class Dtype { kFloat32, kFloat16, kBfloat16 };
inline constexpr std::array<std::string_view, 3> kDtypes{"float32", "float16", "bfloat16"};
constexpr std::string_view name_of(Dtype dtype) { return kDtypes[static_cast<std::size_t>(dtype)]; }

}  // namespace fewstep
