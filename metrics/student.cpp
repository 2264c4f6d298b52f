#include "metrics/student.h"

#include <unsupported/Eigen/SpecialFunctions>

#include <cmath>

namespace fewstep {

double student_tail(double t, double df) {
  if (std::isinf(t)) return t > 0 ? 0 : 1;
  const double beyond = 0.5 * Eigen::numext::betainc(df / 2, 0.5, df / (df + t * t));
  return t >= 0 ? beyond : 1 - beyond;
}

double student_quantile(double tail, double df) {
  if (tail > 0.5) return -student_quantile(1 - tail, df);
  double low = 0, high = 1;
  while (student_tail(high, df) > tail && high < 1e300) high *= 2;
  for (int i = 0; i < 200 && high - low > 1e-14 * high; ++i) {
    const double middle = low + (high - low) / 2;
    (student_tail(middle, df) > tail ? low : high) = middle;
  }
  return high;
}

}  // namespace fewstep
