#include "models/group_norm_kernel.h"

#include "models/instruction_sets.h"

namespace fewstep {
namespace {

// x / (1 + e^−x). The exponential is 2^n · e^r with |r| <= ln 2 / 2 and a polynomial of degree 7.
FEWSTEP_INLINE float silu_of(float x) {
  constexpr float kLog2E = 1.44269504f, kLn2High = 0.693145752f, kLn2Low = 1.42860677e-6f, kRound = 12582912.0f;
  float y = -x;
  y = y < -87.0f ? -87.0f : y;
  y = y > 88.0f ? 88.0f : y;
  const float shifted = y * kLog2E + kRound;  // rounds to an integer in the lowest bits
  const float n = shifted - kRound;
  const float r = (y - n * kLn2High) - n * kLn2Low;
  float p = 1.98412698e-4f;
  p = p * r + 1.38888889e-3f;
  p = p * r + 8.33333333e-3f;
  p = p * r + 4.16666667e-2f;
  p = p * r + 1.66666667e-1f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const float power = std::bit_cast<float>((std::bit_cast<std::int32_t>(shifted) << 23) + 0x3f800000);
  return x / (1.0f + p * power);
}

template <class T>
FEWSTEP_INLINE void add_moments_of(const T* rows, std::int64_t pixels, std::int64_t channels, double* __restrict sums,
                                   double* __restrict squares) {
  constexpr std::int64_t kTogether = 4;  // pixels between two visits to the sums
  std::int64_t pixel = 0;
  for (; pixel + kTogether <= pixels; pixel += kTogether) {
    const T *a = rows + pixel * channels, *b = a + channels, *c = b + channels, *d = c + channels;
    for (std::int64_t i = 0; i < channels; ++i) {
      const double va = to_float(a[i]), vb = to_float(b[i]), vc = to_float(c[i]), vd = to_float(d[i]);
      sums[i] += (va + vb) + (vc + vd);
      squares[i] += (va * va + vb * vb) + (vc * vc + vd * vd);
    }
  }
  for (; pixel < pixels; ++pixel) {
    const T* row = rows + pixel * channels;
    for (std::int64_t i = 0; i < channels; ++i) {
      const double value = to_float(row[i]);
      sums[i] += value;
      squares[i] += value * value;
    }
  }
}

template <bool kSilu, class T>
FEWSTEP_INLINE void scale_rows_of(const T* __restrict from, T* __restrict to, std::int64_t pixels,
                                  std::int64_t channels, const float* __restrict scale, const float* __restrict shift) {
  for (std::int64_t pixel = 0; pixel < pixels; ++pixel, from += channels, to += channels) {
    for (std::int64_t i = 0; i < channels; ++i) {
      const float value = to_float(from[i]) * scale[i] + shift[i];
      store_float(kSilu ? silu_of(value) : value, to[i]);
    }
  }
}

template <class T>
FEWSTEP_INLINE void scale_rows_any(const T* from, T* to, std::int64_t pixels, std::int64_t channels, const float* scale,
                                   const float* shift, bool silu) {
  if (silu) {
    scale_rows_of<true>(from, to, pixels, channels, scale, shift);
  } else {
    scale_rows_of<false>(from, to, pixels, channels, scale, shift);
  }
}

template <class T>
struct Kernels {
  using AddMoments = void (*)(const T*, std::int64_t, std::int64_t, double*, double*);
  using ScaleRows = void (*)(const T*, T*, std::int64_t, std::int64_t, const float*, const float*, bool);
  AddMoments add_moments;
  ScaleRows scale_rows;
};

#define FEWSTEP_KERNELS(Name, ATTRIBUTE)                                                                       \
  template <class T>                                                                                           \
  struct Name {                                                                                                \
    ATTRIBUTE static void add_moments(const T* rows, std::int64_t pixels, std::int64_t channels, double* sums, \
                                      double* squares) {                                                       \
      add_moments_of(rows, pixels, channels, sums, squares);                                                   \
    }                                                                                                          \
    ATTRIBUTE static void scale_rows(const T* from, T* to, std::int64_t pixels, std::int64_t channels,         \
                                     const float* scale, const float* shift, bool silu) {                      \
      scale_rows_any(from, to, pixels, channels, scale, shift, silu);                                          \
    }                                                                                                          \
  };

FEWSTEP_KERNELS(AnyMachine, )
#ifdef __x86_64__
FEWSTEP_KERNELS(WithAvx2, FEWSTEP_AVX2)
FEWSTEP_KERNELS(WithAvx512, FEWSTEP_AVX512)
#endif

template <class T>
Kernels<T> choose_kernels() {
#ifdef __x86_64__
  if (instruction_set() == InstructionSet::kAvx512) return {WithAvx512<T>::add_moments, WithAvx512<T>::scale_rows};
  if (instruction_set() == InstructionSet::kAvx2) return {WithAvx2<T>::add_moments, WithAvx2<T>::scale_rows};
#endif
  return {AnyMachine<T>::add_moments, AnyMachine<T>::scale_rows};
}

template <class T>
const Kernels<T>& kernels() {
  static const Kernels<T> chosen = choose_kernels<T>();
  return chosen;
}

}  // namespace

void add_moments(const float* rows, std::int64_t pixels, std::int64_t channels, double* sums, double* squares) {
  kernels<float>().add_moments(rows, pixels, channels, sums, squares);
}

void add_moments(const std::uint16_t* rows, std::int64_t pixels, std::int64_t channels, double* sums, double* squares) {
  kernels<std::uint16_t>().add_moments(rows, pixels, channels, sums, squares);
}

void scale_rows(const float* from, float* to, std::int64_t pixels, std::int64_t channels, const float* scale,
                const float* shift, bool silu) {
  kernels<float>().scale_rows(from, to, pixels, channels, scale, shift, silu);
}

void scale_rows(const std::uint16_t* from, std::uint16_t* to, std::int64_t pixels, std::int64_t channels,
                const float* scale, const float* shift, bool silu) {
  kernels<std::uint16_t>().scale_rows(from, to, pixels, channels, scale, shift, silu);
}

}  // namespace fewstep
