#pragma once

namespace fewstep {

// P(T > t) of Student's t with df > 0 degrees of freedom; 0 and 1 at infinite t. Source: Abramowitz & Stegun 26.7.1.
double student_tail(double t, double df);
// t with student_tail(t, df) = tail, 0 < tail < 1.
double student_quantile(double tail, double df);

}  // namespace fewstep
