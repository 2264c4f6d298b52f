#pragma once
#include <bit>
#include <cstdint>

// Plain loops that the compiler turns into vectors, once for each level of the instruction set; chosen at run time.
#define FEWSTEP_INLINE inline __attribute__((always_inline))
#ifdef __x86_64__
#define FEWSTEP_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")))
#define FEWSTEP_AVX2 __attribute__((target("avx2,fma")))
#endif

namespace fewstep {

enum class InstructionSet { kAny, kAvx2, kAvx512 };

// The best that this machine has.
inline InstructionSet instruction_set() {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    return InstructionSet::kAvx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return InstructionSet::kAvx2;
#endif
  return InstructionSet::kAny;
}

// Kernels see bfloat16 as its bits.
FEWSTEP_INLINE float to_float(float value) { return value; }
FEWSTEP_INLINE float to_float(std::uint16_t bfloat16) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bfloat16) << 16);
}

FEWSTEP_INLINE void store_float(float value, float& to) { to = value; }
FEWSTEP_INLINE void store_float(float value, std::uint16_t& to) {  // to the nearest, ties to even
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  to = static_cast<std::uint16_t>(value == value ? rounded : 0x7fc0);
}

}  // namespace fewstep
