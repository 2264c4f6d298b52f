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

// Fewer images a dimension than this, and the distance is biased upward by more than a reader would think.
inline constexpr std::int64_t kUnbiasedImagesPerDimension = 20;

// The distance of feature rows [N,width] to a reference, with a standard error over prompts (prompts[i] is that of row
// i; images of one prompt are not independent). The reference counts as exact. Above N = D the error is the
// infinitesimal jackknife's; at N <= D, where the covariance is rank-deficient, that of a delete-a-group jackknife
// (jackknife_groups), and the value is flagged "rank-deficient". "biased-upward": fewer than 20 images a dimension.
// "reference-rank-deficient" says it of the reference. One image has no distance: NaN with "needs-2-images".
ScoreWithInfluence frechet_score(std::span<const float> rows, std::int64_t width, std::span<const std::int64_t> prompts,
                                 const Gaussian& reference);

// FID∞: the value at 1/N = 0 of a line fitted to the distances of 15 sizes, linspace(5000/2048·D, N), where the images
// of size n are the first n of one permutation: prompts in the order of stream_seed(0, prompt, 0), images of a prompt
// as they come. NaN with "needs-K-images" below twice the smallest size. Source: Chong & Forsyth 2020,
// arXiv:1911.07023.
ScoreWithInfluence frechet_infinity_score(std::span<const float> rows, std::int64_t width,
                                          std::span<const std::int64_t> prompts, const Gaussian& reference);
// The sizes; empty where count is too small. smallest: of a fit at width dimensions.
std::int64_t smallest_infinity_size(std::int64_t width);
std::vector<std::int64_t> infinity_sizes(std::int64_t count, std::int64_t width);
// The order of rows: row order[k] is the k-th.
std::vector<std::size_t> infinity_order(std::span<const std::int64_t> prompts);

// What each image adds to the distance: N times its derivative by the image's weight, with a mean of 0. Needs N > D.
// ψ = 2(μ−μr)ᵀc + cᵀ(I−T)c, centred, with c = x−μ, T = Σr^½ (Σr^½ Σ Σr^½)^−½ Σr^½.
struct DistanceWithInfluence {
  double distance = 0;
  std::vector<double> influence;
};
DistanceWithInfluence frechet_influence(std::span<const float> rows, std::int64_t width, const Gaussian& reference);

}  // namespace fewstep
