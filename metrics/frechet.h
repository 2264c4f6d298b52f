#pragma once
#include "metrics/feature_statistics.h"
#include "metrics/score.h"

#include <cstdint>
#include <span>

namespace fewstep {

// ‖μ1−μ2‖² + tr Σ1 + tr Σ2 − 2 tr (Σ1Σ2)^½ in float64, by the eigenvalues of Σr^½ Σ Σr^½.
// Throws Error (kInput) on mismatched widths or non-finite input. Source: Heusel et al. 2017, eq. 6.
double frechet_distance(const Gaussian& a, const Gaussian& reference);

// The distance of feature rows [N,width] to a reference, with an infinitesimal-jackknife standard error over groups
// (groups[i]: the prompt of row i; images of one prompt are not independent). At N <= D the covariance is
// rank-deficient: the value is still defined, flagged "rank-deficient", and the standard error is NaN.
Score frechet_score(std::span<const float> rows, std::int64_t width, std::span<const std::int64_t> groups,
                    const Gaussian& reference);

}  // namespace fewstep
