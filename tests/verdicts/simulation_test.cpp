// What the verdicts' statistics are worth, by simulation. `make statistics` runs it at full length and prints the
// figures of docs/statistics.md; in the suite it runs at a tenth of that, with bounds for as many replications.
#include "verdicts/simulation.h"

#include "metrics/student.h"
#include "verdicts/decide.h"
#include "verdicts/statistics.h"

#include <c10/core/InferenceMode.h>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <cstdlib>
#include <iostream>

namespace fewstep {
namespace {

class Statistics : public testing::Test {
 protected:
  static bool full() { return std::getenv("FEWSTEP_STATISTICS") != nullptr; }
  static int replications() { return full() ? 2000 : 200; }
  // Three standard deviations of a share in as many replications.
  static double noise_of(double share) { return 3 * std::sqrt(share * (1 - share) / replications()); }
  static void print(const std::string& what, const std::string& figure) {
    std::cout << "| " << what << " | " << figure << " |" << std::endl;
  }
  static void decide_all(std::vector<ComparedRow>& rows, double alpha = 0.05) {
    std::vector<ComparedRow*> family;
    for (ComparedRow& row : rows) family.push_back(&row);
    decide(family, alpha);
  }

  c10::InferenceMode inference_;
};

// An arm as a student is to its reference: off, and noisier; or duller than it.
constexpr FeatureArm kFar{3.0, 1.5}, kDull{1.0, 0.7}, kAtReference{0, 1};
constexpr int kCells = 20;

TEST_F(Statistics, RaiseNoFalseAlarmInMoreThanAlphaOfComparisonsOfTwentyCellsAndTwoMetrics) {
  Simulation simulation(1);
  const std::vector<int> sizes{160, 400, 800};
  int alarms = 0;
  for (int i = 0; i < replications(); ++i) {
    const int prompts = sizes[static_cast<std::size_t>(i) % sizes.size()];
    std::vector<ComparedRow> rows;
    for (int cell = 0; cell < kCells; ++cell) {
      rows.push_back(row_of(simulation.clip(prompts, 1, 0), true, prompts, 0));
      const FeatureArm& arm = cell % 2 == 0 ? kFar : kAtReference;
      rows.push_back(row_of(simulation.frechet(prompts, arm, arm), false, prompts, 0));
    }
    decide_all(rows);
    alarms += std::any_of(rows.begin(), rows.end(), [](auto& row) { return row.verdict == Verdict::kRegressed; });
  }
  const double share = static_cast<double>(alarms) / replications();
  print(fmt::format("family-wise false alarms at alpha = .05, {} comparisons of 20 cells × 2 metrics, other noise",
                    replications()),
        fmt::format("{:.4f}", share));
  EXPECT_LE(share, 0.05 + noise_of(0.05));
}

TEST_F(Statistics, FindAClipScoreThatIsWorseByFourAndAHalfStandardErrors) {
  Simulation simulation(2);
  constexpr int kPrompts = 400;
  const double true_error = std::sqrt((0.5 * 0.5 + 2) / kPrompts);
  int found = 0;
  for (int i = 0; i < replications(); ++i) {
    std::vector<ComparedRow> rows;
    for (int cell = 0; cell < 2 * kCells; ++cell)
      rows.push_back(row_of(simulation.clip(kPrompts, 1, cell == 0 ? -4.5 * true_error : 0), true, kPrompts, 0));
    decide_all(rows);
    found += rows.front().verdict == Verdict::kRegressed;
  }
  const double power = static_cast<double>(found) / replications();
  print("power at 4.5 true standard errors in one CLIP score of 40 tests", fmt::format("{:.3f}", power));
  EXPECT_GE(power, 0.9 - (full() ? 0 : noise_of(0.9)));
}

TEST_F(Statistics, FindADistanceThatIsWorseByFiveStandardErrors) {
  Simulation simulation(3);
  constexpr int kPrompts = 400;
  std::vector<double> null;
  for (int i = 0; i < 2 * replications(); ++i) null.push_back(simulation.frechet(kPrompts, kFar, kFar).value);
  const double true_error = moments_of(null).deviation;
  // The distance of a mean shifted by m is m² and what does not change: (m + δ)² − m² = 5 true standard errors.
  FeatureArm worse = kFar;
  worse.shift = std::sqrt(kFar.shift * kFar.shift + 5 * true_error);
  int found = 0;
  for (int i = 0; i < replications(); ++i) {
    std::vector<ComparedRow> rows{row_of(simulation.frechet(kPrompts, kFar, worse), false, kPrompts, 0)};
    for (int test = 1; test < 2 * kCells;
         ++test)  // the others' null differences: their standard error is of no interest
      rows.push_back(row_of({28, simulation.normal(), 1}, true, kPrompts, 0));
    decide_all(rows);
    found += rows.front().verdict == Verdict::kRegressed;
  }
  const double power = static_cast<double>(found) / replications();
  print("power at 5 true standard errors in one FD of 40 tests", fmt::format("{:.3f}", power));
  EXPECT_GE(power, 0.9 - (full() ? 0 : noise_of(0.9)));
}

// The share of nominal 95 % intervals that hold the truth.
double coverage(const std::vector<Simulated>& differences, double truth, int units) {
  const double t = student_quantile(0.025, units - 1);
  int inside = 0;
  for (const Simulated& one : differences) inside += std::abs(one.value - truth) <= t * one.standard_error;
  return static_cast<double>(inside) / static_cast<double>(differences.size());
}

TEST_F(Statistics, CoverTheDifferenceOfClipScores) {
  Simulation simulation(4);
  for (const auto& [prompts, images] : {std::pair(25, 1), std::pair(160, 1), std::pair(160, 3)}) {
    std::vector<Simulated> differences;
    for (int i = 0; i < replications(); ++i) differences.push_back(simulation.clip(prompts, images, 0.3));
    const double share = coverage(differences, 0.3, prompts);
    print(fmt::format("coverage of ΔCLIP score, {} prompts of {} image{}", prompts, images, images == 1 ? "" : "s"),
          fmt::format("{:.4f}", share));
    EXPECT_NEAR(share, 0.95, full() ? 0.015 : noise_of(0.95));
  }
}

TEST_F(Statistics, CoverTheExpectedDifferenceOfDistancesAndGiveItsSpread) {
  struct Case {
    const char* text;
    int prompts;
    FeatureArm baseline, candidate;
    bool far;
  };
  std::vector<Case> cases;
  for (const int prompts : {40, 160, 800}) {
    cases.push_back({"far from the reference", prompts, kFar, {3.2, 1.4}, true});
    cases.push_back({"duller than the reference", prompts, kDull, {1.1, 0.75}, true});
    cases.push_back({"near the reference", prompts, {1.0, 1.2}, {1.1, 1.15}, false});
    cases.push_back({"at the reference", prompts, kAtReference, kAtReference, false});
  }
  Simulation simulation(5);
  for (const Case& one : cases) {
    std::vector<Simulated> differences;
    std::vector<double> values;
    double mean_error = 0;
    for (int i = 0; i < replications(); ++i) {
      differences.push_back(simulation.frechet(one.prompts, one.baseline, one.candidate));
      values.push_back(differences.back().value);
      mean_error += differences.back().standard_error / replications();
    }
    const Moments moments = moments_of(values);
    const double share = coverage(differences, moments.mean, one.prompts), ratio = mean_error / moments.deviation;
    print(fmt::format("ΔFD, arms {}, N/D = {:g}: coverage of its expectation; mean standard error over the true spread",
                      one.text, static_cast<double>(one.prompts) / kDimensions),
          fmt::format("{:.4f}; {:.3f}", share, ratio));
    const bool small = one.prompts < 10 * kDimensions;
    const double slack = full() ? 0 : noise_of(0.95);
    EXPECT_GE(share, small ? 0 : 0.935 - slack);
    EXPECT_LE(share, one.far && !small ? 0.975 + slack : 1);
    // The true spread itself is known to 1/sqrt(2·replications).
    const double known = full() ? 0 : 3 / std::sqrt(2.0 * replications());
    const double most = one.prompts == 50 * kDimensions ? 0.05 : 0.12;
    if (one.far) {
      EXPECT_NEAR(ratio, 1, most + known);
    }
  }
}

TEST_F(Statistics, RaiseNoFalseAlarmOverTimesThatDriftBetweenProcesses) {
  Simulation simulation(6);
  int alarms = 0;
  for (int i = 0; i < replications(); ++i) {
    std::vector<ComparedRow> rows;
    for (int cell = 0; cell < kCells; ++cell) {
      const auto a = simulation.processes(5, 0.01), b = simulation.processes(5, 0.01);
      const WelchDifference difference = welch(a, b);
      rows.push_back(row_of({100, difference.value, difference.standard_error}, false, 5, 0));
      rows.back().df = difference.df;
    }
    decide_all(rows);
    alarms += std::any_of(rows.begin(), rows.end(), [](auto& row) { return row.verdict == Verdict::kRegressed; });
  }
  const double share = static_cast<double>(alarms) / replications();
  print("family-wise false alarms of latency, 20 cells, 5 processes an arm, 1 % drift between processes",
        fmt::format("{:.4f}", share));
  EXPECT_LE(share, 0.05 + noise_of(0.05));
}

}  // namespace
}  // namespace fewstep
