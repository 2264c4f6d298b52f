#include "images/resize_window.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fewstep {
namespace {

double triangle(double x) { return std::max(1.0 - std::abs(x), 0.0); }

// Keys 1981 with a = −½.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double lanczos3(double x) { return x >= -3.0 && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0; }

struct Filter {
  double (*weight)(double);
  double support;
};

Filter filter_of(PilFilter filter) {
  switch (filter) {
    case PilFilter::kBilinear:
      return {triangle, 1.0};
    case PilFilter::kBicubic:
      return {cubic, 2.0};
    case PilFilter::kLanczos:
      return {lanczos3, 3.0};
  }
  return {};
}

}  // namespace

ResizeWindows::ResizeWindows(int input_size, int output_size, PilFilter filter) {
  const auto [weight, unit_support] = filter_of(filter);
  const double scale = static_cast<double>(input_size) / output_size;
  const double stretch = std::max(scale, 1.0), shrink = 1.0 / stretch;
  const double support = unit_support * stretch;
  taps_ = static_cast<int>(std::ceil(support)) * 2 + 1;
  const auto outputs = static_cast<std::size_t>(output_size);
  firsts_.resize(outputs);
  counts_.resize(outputs);
  weights_.resize(outputs * static_cast<std::size_t>(taps_));
  for (std::size_t output = 0; output < outputs; ++output) {
    const double center = (static_cast<double>(output) + 0.5) * scale;
    const int first = std::max(static_cast<int>(center - support + 0.5), 0);
    const int last = std::min(static_cast<int>(center + support + 0.5), input_size);
    double* weights = &weights_[output * static_cast<std::size_t>(taps_)];
    double sum = 0;
    for (int i = first; i < last; ++i) sum += weights[i - first] = weight((i - center + 0.5) * shrink);
    if (sum != 0.0) {
      for (int i = first; i < last; ++i) weights[i - first] /= sum;
    }
    firsts_[output] = first;
    counts_[output] = static_cast<std::size_t>(last - first);
  }
}

}  // namespace fewstep
