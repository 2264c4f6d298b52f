#include "verdicts/simulation.h"

#include "metrics/clustered_error.h"
#include "metrics/frechet.h"
#include "store/influence.h"

#include <cmath>
#include <numeric>

namespace fewstep {
namespace {

// One image a prompt: every row is a unit.
std::vector<std::int64_t> numbers(int count) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

const Gaussian& reference() {
  static const Gaussian standard{1'000'000, Eigen::VectorXd::Zero(kDimensions),
                                 Eigen::MatrixXd::Identity(kDimensions, kDimensions)};
  return standard;
}

}  // namespace

Simulated Simulation::frechet(int prompts, const FeatureArm& baseline, const FeatureArm& candidate) {
  constexpr double kCommon = 0.6;  // of a feature's variance
  std::vector<float> a, b;
  for (int i = 0; i < prompts; ++i) {
    for (int d = 0; d < kDimensions; ++d) {
      const double common = std::sqrt(kCommon) * normal();
      for (const auto& [arm, rows] : {std::pair(&baseline, &a), std::pair(&candidate, &b)})
        rows->push_back(
            static_cast<float>((d == 0 ? arm->shift : 0) + arm->spread * (common + std::sqrt(1 - kCommon) * normal())));
    }
  }
  const auto units = numbers(prompts);
  const auto score = [&](const std::vector<float>& rows) {
    return frechet_score(rows, kDimensions, units, reference());
  };
  const auto of_a = score(a), of_b = score(b);
  const StoredScore stored_a{{}, "", of_a.score}, stored_b{{}, "", of_b.score};
  const auto influence = [&](const ScoreWithInfluence& scored) {
    return UnitInfluence{false, "", means_of_units(scored.influence.of_image, units)};
  };
  const auto difference = paired_difference(stored_b, influence(of_b), stored_a, influence(of_a));
  return {of_a.score.value, difference->value, difference->standard_error};
}

Simulated Simulation::clip(int prompts, int images_per_prompt, double shift) {
  constexpr double kMean = 28, kBetween = 3, kWithin = 1;
  std::vector<double> a, b;
  std::vector<std::int64_t> units;
  for (int i = 0; i < prompts; ++i) {
    const double prompt = kMean + kBetween * normal();
    // What the candidate does to a prompt is common to the prompt's images.
    const double change = shift + 0.5 * normal();
    for (int image = 0; image < images_per_prompt; ++image) {
      a.push_back(prompt + kWithin * normal());
      b.push_back(prompt + change + kWithin * normal());
      units.push_back(i);
    }
  }
  const auto mean = [](const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  };
  const double mean_a = mean(a), mean_b = mean(b);
  for (double& value : a) value -= mean_a;
  for (double& value : b) value -= mean_b;
  const StoredScore of_a{{}, "", {mean_a, 0, 1, {}}}, of_b{{}, "", {mean_b, 0, 1, {}}};
  const auto difference =
      paired_difference(of_b, {false, "", means_of_units(b, units)}, of_a, {false, "", means_of_units(a, units)});
  return {mean_a, difference->value, difference->standard_error};
}

std::vector<double> Simulation::processes(int count, double drift) {
  constexpr int kRepetitions = 10;
  std::vector<double> medians;
  for (int process = 0; process < count; ++process) {
    const double own = 100 * (1 + drift * normal());
    std::vector<double> times;
    for (int i = 0; i < kRepetitions; ++i) times.push_back(own * (1 + 0.003 * normal()));
    medians.push_back(quantiles_of(std::move(times)).median);
  }
  return medians;
}

ComparedRow row_of(const Simulated& difference, bool higher_is_better, int units, double margin) {
  ComparedRow row;
  row.higher_is_better = higher_is_better;
  row.baseline = difference.baseline;
  row.candidate = difference.baseline + difference.value;
  row.difference = Difference{difference.value, difference.standard_error};
  row.units = units;
  row.df = units - 1;
  row.margin = margin;
  row.verdict = Verdict::kInconclusive;
  return row;
}

Moments moments_of(const std::vector<double>& values) {
  Moments moments;
  const auto count = static_cast<double>(values.size());
  for (const double value : values) moments.mean += value / count;
  for (const double value : values) moments.deviation += (value - moments.mean) * (value - moments.mean) / (count - 1);
  moments.deviation = std::sqrt(moments.deviation);
  return moments;
}

}  // namespace fewstep
