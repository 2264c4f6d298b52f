#include "models/geglu.h"

#include "models/gpu.h"
#include "models/instruction_sets.h"
#include "models/packed.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/gelu.h>

#ifndef _OPENMP
#error "compile this file with OpenMP (fewstep_parallel in CMake): at::parallel_for is one thread's work without it"
#endif

namespace fewstep {
namespace {

// coefficients[0] + coefficients[1]·t + …
template <std::size_t kCount>
FEWSTEP_INLINE double polynomial(const double (&coefficients)[kCount], double t) {
  double sum = coefficients[kCount - 1];
  for (std::size_t i = kCount - 1; i-- > 0;) sum = sum * t + coefficients[i];
  return sum;
}

// erf: x·P(x²)/Q(x²) up to 5.6, fitted to 3e-9 of its value, and ±1 beyond. In double, for 1 + erf of what is well
// below zero cancels.
FEWSTEP_INLINE double erf_of(double x) {
  constexpr double kEnd = 5.6;
  constexpr double kP[] = {1.1283791698964893,     0.30307624087328328,    0.076085326623852992,
                           0.010144198451993739,   0.00092290708404398438, 6.2315110929718145e-05,
                           1.4915530942870874e-06, 3.2921860468056493e-09};
  constexpr double kQ[] = {1.0,
                           0.60192773350562667,
                           0.16807108376441249,
                           0.028631154496828334,
                           0.0032559493530815429,
                           0.0002501969239566189,
                           1.1899794437839756e-05,
                           1.0673231380826801e-07};
  const double t = x * x, inside = x * polynomial(kP, t) / polynomial(kQ, t);
  return x > kEnd ? 1.0 : x < -kEnd ? -1.0 : inside;
}

template <class T>
FEWSTEP_INLINE void rows_of(const T* __restrict from, T* __restrict to, std::int64_t rows, std::int64_t channels) {
  constexpr double kHalfRoot = 0.70710678118654752;
  for (std::int64_t row = 0; row < rows; ++row, from += 2 * channels, to += channels) {
    for (std::int64_t i = 0; i < channels; ++i) {
      const double gate = to_float(from[channels + i]);
      store_float(to_float(from[i]) * static_cast<float>(0.5 * gate * (1.0 + erf_of(gate * kHalfRoot))), to[i]);
    }
  }
}

template <class T>
void rows_any(const T* from, T* to, std::int64_t rows, std::int64_t channels) {
  rows_of(from, to, rows, channels);
}
#ifdef __x86_64__
template <class T>
FEWSTEP_AVX2 void rows_avx2(const T* from, T* to, std::int64_t rows, std::int64_t channels) {
  rows_of(from, to, rows, channels);
}
template <class T>
FEWSTEP_AVX512 void rows_avx512(const T* from, T* to, std::int64_t rows, std::int64_t channels) {
  rows_of(from, to, rows, channels);
}
#endif

template <class T>
auto rows_here() {
#ifdef __x86_64__
  if (instruction_set() == InstructionSet::kAvx512) return rows_avx512<T>;
  if (instruction_set() == InstructionSet::kAvx2) return rows_avx2<T>;
#endif
  return rows_any<T>;
}

template <class T>
void run(const void* from, void* to, std::int64_t rows, std::int64_t channels) {
  static const auto run_rows = rows_here<T>();
  const std::int64_t at_once = std::max<std::int64_t>(1, 16384 / channels);
  at::parallel_for(0, rows, at_once, [&](std::int64_t begin, std::int64_t end) {
    run_rows(static_cast<const T*>(from) + begin * 2 * channels, static_cast<T*>(to) + begin * channels, end - begin,
             channels);
  });
}

}  // namespace

Tensor geglu(const Tensor& x) {
  if (const GpuKernels* kernels = gpu_kernels(x)) return kernels->geglu(x);
  const auto type = x.scalar_type();
  const bool fused =
      x.device().is_cpu() && is_inference() && x.numel() > 0 && (type == at::kFloat || type == at::kBFloat16);
  if (!fused) {
    const auto halves = x.chunk(2, -1);
    return halves[0] * at::gelu(halves[1]);
  }
  const Tensor from = x.contiguous();
  auto sizes = x.sizes().vec();
  sizes.back() /= 2;
  const Tensor to = at::empty(sizes, x.options());
  const std::int64_t channels = sizes.back(), rows = to.numel() / channels;
  if (type == at::kFloat) {
    run<float>(from.const_data_ptr(), to.mutable_data_ptr(), rows, channels);
  } else {
    run<std::uint16_t>(from.const_data_ptr(), to.mutable_data_ptr(), rows, channels);
  }
  return to;
}

}  // namespace fewstep
