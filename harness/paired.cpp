#include "harness/paired.h"

#include "core/error.h"
#include "metrics/clustered_error.h"
#include "metrics/frechet.h"

#include <algorithm>
#include <numeric>
#include <set>

namespace fewstep {
namespace {

// N times the derivative of the mean of numbers by each one's weight.
std::vector<double> deviations_of(std::span<const float> values) {
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  std::vector<double> deviations;
  for (const float value : values) deviations.push_back(value - mean);
  return deviations;
}

}  // namespace

Contributions contributions(Store& store, const StoredCell& cell, const StoredScore& score, const Gaussian* reference) {
  const auto metric = store.find_metric(score.metric);
  const auto stored = metric ? store.finished(cell.series_id, std::vector{*metric}) : decltype(store.finished(0, {})){};
  std::set<std::int64_t> prompts;
  int images = 0;
  for (const auto& [row, image] : stored) {
    prompts.insert(row);
    images = std::max(images, image + 1);
  }
  Contributions result{score.score.value, {prompts.begin(), prompts.end()}, {}};
  if (stored.size() != prompts.size() * static_cast<std::size_t>(images) || stored.empty())
    throw input_error("paired", "expected as many stored images of every prompt, got another number of some");
  if (static_cast<std::int64_t>(stored.size()) != score.score.count)
    throw input_error("paired", "expected the images that the score counts, " + std::to_string(score.score.count) +
                                    ", got " + std::to_string(stored.size()) + "; run the experiment without --limit");
  const Store::Rows rows = store.rows(cell.series_id, *metric, result.prompts, images);
  if (reference && static_cast<std::int64_t>(stored.size()) <= rows.width)
    throw input_error("paired",
                      "expected more images than the metric has features, got " + std::to_string(stored.size()));
  const auto each =
      reference ? frechet_influence(rows.values, rows.width, *reference).influence : deviations_of(rows.values);
  result.of_prompt.resize(result.prompts.size());
  for (std::size_t i = 0; i < each.size(); ++i)
    result.of_prompt[i / static_cast<std::size_t>(images)] += each[i] / images;
  return result;
}

PairedDifference paired_difference(std::span<const Contributions> a, std::span<const Contributions> b) {
  if (a.empty() || a.size() != b.size()) throw input_error("paired", "expected as many seeds of both cells");
  std::vector<double> deviations(a[0].prompts.size());
  PairedDifference difference;
  const auto seeds = static_cast<double>(a.size());
  for (std::size_t seed = 0; seed < a.size(); ++seed) {
    if (a[seed].prompts != b[seed].prompts || a[seed].prompts != a[0].prompts)
      throw input_error("paired", "expected the same prompts in both cells and every seed, got others");
    difference.value += (a[seed].value - b[seed].value) / seeds;
    for (std::size_t i = 0; i < deviations.size(); ++i)
      deviations[i] += (a[seed].of_prompt[i] - b[seed].of_prompt[i]) / seeds;
  }
  difference.standard_error = clustered_standard_error(deviations, a[0].prompts);
  return difference;
}

}  // namespace fewstep
