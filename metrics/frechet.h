#pragma once
#include "metrics/feature_statistics.h"
#include "metrics/score.h"

#include <cstdint>
#include <span>
#include <vector>

namespace fewstep {

// ‖μ1−μ2‖² + tr Σ1 + tr Σ2 − 2 tr (Σ1Σ2)^½ in float64, by the eigenvalues of AᵀΣA with Σr = AAᵀ.
// Throws Error (kInput) on mismatched widths or non-finite input. Source: Heusel et al. 2017, eq. 6.
double frechet_distance(const Gaussian& a, const Gaussian& reference);

// The distance of feature rows [N,width] to a reference, with an infinitesimal-jackknife standard error over groups
// (groups[i]: the prompt of row i; images of one prompt are not independent). The reference counts as exact. At N <= D
// the covariance is rank-deficient: the value is still defined, flagged "rank-deficient", and the standard error is
// NaN; "reference-rank-deficient" says the same of the reference. With fewer than two groups it is NaN, too.
Score frechet_score(std::span<const float> rows, std::int64_t width, std::span<const std::int64_t> groups,
                    const Gaussian& reference);

// What each image adds to the distance: N times its derivative by the image's weight, with a mean of 0. Needs N > D.
// ψ = 2(μ−μr)ᵀc + cᵀ(I−T)c, centred, with c = x−μ, T = Σr^½ (Σr^½ Σ Σr^½)^−½ Σr^½.
std::vector<double> frechet_influence(std::span<const float> rows, std::int64_t width, const Gaussian& reference);

}  // namespace fewstep
