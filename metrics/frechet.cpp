#include "metrics/frechet.h"

#include "core/error.h"
#include "metrics/clustered_error.h"
#include "metrics/float64.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linalg_cholesky_ex.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/linalg_eigvalsh.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/tensor.h>

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <tuple>

namespace fewstep {
namespace {

constexpr std::int64_t kChunkRows = 4096;  // what is held in float64 at a time

// The rounding error of an eigenvalue as a part of the largest one (measured: 13 ε at 2048 dimensions). The square root
// of a smaller one is noise: 1500 of them would move a rank-deficient distance by 1e-5.
constexpr double kEigenvalueNoise = 16 * std::numeric_limits<double>::epsilon();

void check(const Gaussian& gaussian, const char* which) {
  const auto width = gaussian.mean.size();
  if (width < 1 || gaussian.covariance.rows() != width || gaussian.covariance.cols() != width) {
    throw input_error("frechet distance",
                      fmt::format("expected a mean of D and a covariance of D x D for the {}, got {} and {} x {}",
                                  which, width, gaussian.covariance.rows(), gaussian.covariance.cols()));
  }
  if (!gaussian.mean.allFinite() || !gaussian.covariance.allFinite()) {
    throw input_error("frechet distance",
                      "expected finite numbers, got NaN or infinity in the statistics of the " + std::string(which));
  }
}

void check_widths(std::int64_t ours, const Gaussian& reference) {
  check(reference, "reference");
  if (ours != reference.mean.size()) {
    throw input_error(
        "frechet distance",
        fmt::format("expected as many features as the reference has, {}, got {}; were both made by one network?",
                    reference.mean.size(), ours));
  }
}

// A covariance of N images has at most N − 1 dimensions; a count of 0 is unknown.
std::int64_t rank_bound(std::int64_t count, std::int64_t width) {
  return count == 0 ? width : std::min(width, std::max<std::int64_t>(count - 1, 1));
}

// How many of ascending eigenvalues are more than rounding, at most bound.
std::int64_t rank_of(const Tensor& eigenvalues, std::int64_t bound) {
  if (eigenvalues.numel() == 0) return 0;
  const double noise = kEigenvalueNoise * std::max(eigenvalues[-1].item<double>(), 0.0);
  return std::min(bound, eigenvalues.gt(noise).sum().item<std::int64_t>());
}

// The sum of the roots of ascending eigenvalues, of which at most rank are not rounding.
double sum_of_roots(const Tensor& eigenvalues, std::int64_t rank) {
  const std::int64_t kept = rank_of(eigenvalues, rank);
  return eigenvalues.narrow(0, eigenvalues.size(0) - kept, kept).sqrt().sum().item<double>();
}

// A of [D,D] with covariance = AAᵀ where the covariance is positive definite, else undefined.
Tensor cholesky(const Gaussian& gaussian) {
  const std::int64_t width = gaussian.mean.size();
  if (rank_bound(gaussian.count, width) < width) return {};
  const auto [factor, info] = at::linalg_cholesky_ex(view(gaussian.covariance));
  return info.item<int>() == 0 ? factor : Tensor();
}

// A of [D,rank] with covariance = AAᵀ for any covariance.
Tensor eigen_factor(const Gaussian& gaussian) {
  const auto [values, vectors] = at::linalg_eigh(view(gaussian.covariance));
  const std::int64_t width = gaussian.mean.size();
  const std::int64_t rank = rank_of(values, rank_bound(gaussian.count, width));
  return vectors.narrow(1, width - rank, rank) * values.narrow(0, width - rank, rank).sqrt();
}

Tensor factor(const Gaussian& gaussian) {
  const Tensor quick = cholesky(gaussian);
  return quick.defined() ? quick : eigen_factor(gaussian);
}

// AᵀΣA, whose eigenvalues other than 0 are those of ΣrΣ.
Tensor sandwich(const Tensor& factor, const Gaussian& gaussian) {
  return at::matmul(factor.t(), at::matmul(view(gaussian.covariance), factor));
}

double distance(const Gaussian& a, const Gaussian& reference, double trace_of_root) {
  return (a.mean - reference.mean).squaredNorm() + a.covariance.trace() + reference.covariance.trace() -
         2.0 * trace_of_root;
}

std::int64_t common_rank(const Gaussian& a, const Gaussian& b) {
  return std::min(rank_bound(a.count, a.mean.size()), rank_bound(b.count, b.mean.size()));
}

// B of [D,rank] with T = BBᵀ, and tr (ΣrΣ)^½.
std::tuple<Tensor, double> transport(const Gaussian& a, const Gaussian& reference) {
  const Tensor root = factor(reference);
  const auto [values, vectors] = at::linalg_eigh(sandwich(root, a));
  const std::int64_t rank = rank_of(values, common_rank(a, reference)), cut = values.size(0) - rank;
  const Tensor kept = values.narrow(0, cut, rank);
  return {at::matmul(root, vectors.narrow(1, cut, rank) * kept.pow(-0.25)), kept.sqrt().sum().item<double>()};
}

DistanceWithInfluence estimate(std::span<const float> rows, const Gaussian& a, const Gaussian& reference) {
  const auto [map, trace_of_root] = transport(a, reference);
  const std::int64_t count = a.count, width = a.mean.size();
  const Eigen::VectorXd shift = 2.0 * (a.mean - reference.mean);
  // ddof = 1 makes the derivative of the covariance ccᵀ·N/(N−1) − Σ.
  const double correction = static_cast<double>(count) / static_cast<double>(count - 1);
  DistanceWithInfluence result{distance(a, reference, trace_of_root), {}};
  double sum = 0;
  for (std::int64_t first = 0; first < count; first += kChunkRows) {
    const std::int64_t size = std::min(kChunkRows, count - first);
    const Tensor c = to_float64(rows.data() + first * width, size, width).sub_(view(a.mean));
    const Tensor spread = c.square().sum(1).sub_(at::matmul(c, map).square_().sum(1));
    const Tensor psi = at::matmul(c, view(shift)).add_(spread, correction);
    const auto* values = psi.const_data_ptr<double>();
    result.influence.insert(result.influence.end(), values, values + size);
  }
  for (const double psi : result.influence) sum += psi;
  for (double& psi : result.influence) psi -= sum / static_cast<double>(count);
  return result;
}

// At N <= D: the eigenvalues of ΣrΣ other than 0 are those of XΣrXᵀ/(N−1), which is only N × N. Those of a part of the
// rows are in the same matrix, centred anew.
class SmallSample {
 public:
  SmallSample(std::span<const float> rows, const Gaussian& a, const Gaussian& reference)
      : reference_(reference),
        mean_(a.mean),
        x_(to_float64(rows.data(), a.count, a.mean.size()).sub_(view(a.mean))),
        gram_(at::matmul(at::matmul(x_, view(reference.covariance)), x_.t())) {}

  double distance() const { return distance(x_, gram_); }
  double distance_of(const std::vector<std::int64_t>& kept) const {
    const Tensor indices = at::tensor(kept, at::kLong);
    return distance(x_.index_select(0, indices), gram_.index_select(0, indices).index_select(1, indices));
  }

 private:
  double distance(const Tensor& x, const Tensor& gram) const {
    const std::int64_t count = x.size(0);
    const Tensor shift = x.mean(0), rows = gram.mean(0);
    const Tensor centred = (gram - rows.unsqueeze(0) - rows.unsqueeze(1) + gram.mean()).div_(count - 1);
    const double spread = x.sub(shift).square_().sum().item<double>() / static_cast<double>(count - 1);
    const Tensor from = view(mean_).add(shift).sub_(view(reference_.mean));
    const std::int64_t rank = std::min(rank_bound(count, mean_.size()), rank_bound(reference_.count, mean_.size()));
    return from.square().sum().item<double>() + spread + reference_.covariance.trace() -
           2.0 * sum_of_roots(at::linalg_eigvalsh(centred), rank);
  }

  const Gaussian& reference_;
  const Eigen::VectorXd& mean_;
  const Tensor x_, gram_;
};

// The value at N <= D, and the delete-a-group jackknife over prompts for groups of sizes that may differ by one prompt
// (Busing, Meijer & van der Leeden 1999): pseudo-values h·value − (h−1)·(value without the group), h = N / its images,
// in which a bias that falls with 1/N cancels. Influences are scaled so that their groups weigh alike.
ScoreWithInfluence small_sample_score(std::span<const float> rows, const Gaussian& a,
                                      std::span<const std::int64_t> prompts, const Gaussian& reference) {
  const SmallSample sample(rows, a, reference);
  ScoreWithInfluence result{{.value = sample.distance(), .count = a.count, .flags = {FlagKind::kRankDeficient}}, {}};
  const auto groups = jackknife_groups(prompts);
  std::vector<std::vector<std::int64_t>> kept(
      static_cast<std::size_t>(*std::max_element(groups.begin(), groups.end()) + 1));
  for (std::size_t i = 0; i < groups.size(); ++i)
    for (std::size_t group = 0; group < kept.size(); ++group)
      if (static_cast<std::size_t>(groups[i]) != group) kept[group].push_back(static_cast<std::int64_t>(i));
  const auto number = static_cast<double>(kept.size()), images = static_cast<double>(a.count);
  std::vector<double> pseudo, times;  // of each group
  double mean = 0;
  for (const auto& others : kept) {
    if (others.size() < 2) return result;  // nothing that could be left out
    const double size = images - static_cast<double>(others.size());
    times.push_back(images / size);
    pseudo.push_back(times.back() * result.score.value - (times.back() - 1) * sample.distance_of(others));
    mean += pseudo.back() * size / images;
  }
  for (std::size_t group = 0; group < pseudo.size(); ++group)
    pseudo[group] = (pseudo[group] - mean) * std::sqrt((number - 1) / (times[group] - 1));
  result.score.standard_error = standard_error_of_mean(pseudo);
  result.influence.leave_group_out = true;
  for (const std::int64_t group : groups) result.influence.of_image.push_back(pseudo[static_cast<std::size_t>(group)]);
  return result;
}

Gaussian fit_rows(std::span<const float> rows, std::int64_t width, const Gaussian& reference) {
  check_widths(width, reference);
  FeatureStatistics statistics;
  accumulate(statistics, rows, width);
  return fit(statistics);
}

}  // namespace

double frechet_distance(const Gaussian& a, const Gaussian& reference) {
  check(a, "images");
  check_widths(a.mean.size(), reference);
  // The roles may be exchanged: the one of full rank is the cheaper to factor.
  const Gaussian* other = &a;
  Tensor root = cholesky(reference);
  if (!root.defined()) {
    other = &reference;
    root = factor(a);
  }
  return distance(a, reference, sum_of_roots(at::linalg_eigvalsh(sandwich(root, *other)), common_rank(a, reference)));
}

DistanceWithInfluence frechet_influence(std::span<const float> rows, std::int64_t width, const Gaussian& reference) {
  const Gaussian a = fit_rows(rows, width, reference);
  if (a.count <= width) {
    throw input_error("frechet influence", fmt::format("expected more than {} images, got {}", width, a.count));
  }
  return estimate(rows, a, reference);
}

ScoreWithInfluence frechet_score(std::span<const float> rows, std::int64_t width, std::span<const std::int64_t> prompts,
                                 const Gaussian& reference) {
  const auto count = static_cast<std::int64_t>(rows.size()) / width;
  if (prompts.size() != static_cast<std::size_t>(count)) {
    throw input_error("frechet score",
                      fmt::format("expected a prompt for each of {} images, got {}", count, prompts.size()));
  }
  if (count == 1) return {{.count = 1, .flags = {{FlagKind::kNeedsImages, 2}}}, {}};
  const Gaussian a = fit_rows(rows, width, reference);
  ScoreWithInfluence result;
  if (a.count <= width) {
    result = small_sample_score(rows, a, prompts, reference);
  } else {
    auto [distance, influence] = estimate(rows, a, reference);
    const double error = clustered_standard_error(influence, prompts);
    result = {{distance, error, a.count, {}}, {std::move(influence), false}};
  }
  auto& flags = result.score.flags;
  if (reference.count > 0 && reference.count <= width) flags.push_back(FlagKind::kReferenceRankDeficient);
  if (a.count < kUnbiasedImagesPerDimension * width) flags.push_back(FlagKind::kBiasedUpward);
  return result;
}

}  // namespace fewstep
