#include "harness/run/work_estimate.h"

#include <ATen/ops/sin.h>

#include <algorithm>
#include <set>

namespace fewstep {
namespace {

// In place of a network: any function of the same arguments does, as long as other arguments give other numbers.
Tensor stand_in(const Tensor& x, double time, double omega) { return x.mul(3).add(time / 100 + omega).sin(); }

// Samplers on a small latent, and what they ask of the network.
struct SmallSampling {
  EvaluationMemo memo;
  std::int64_t asked = 0;

  // omega: that the network itself sees.
  Tensor run(const Denoising& denoising, bool guided, double omega) {
    const Denoiser denoiser = [&](const Tensor& x, const NoiseLevel& level) {
      asked += guided ? 2 : 1;
      const auto make = [&] { return stand_in(x, level.time, omega); };
      return memo.find_or_make({level.time, omega, guided}, x, make).mul(1 + (guided ? denoising.omega : 0));
    };
    const std::uint64_t streams[] = {stream_seed(0, 0, 0)};
    Rng rng = image_rng(streams);
    return denoising.sampler->run(denoiser, rng.normal({1, 4, 2, 2}), denoising.levels, rng);
  }
};

bool is_known(const std::vector<Tensor>& finished, const Tensor& latents) {
  return std::any_of(finished.begin(), finished.end(), [&](const Tensor& one) { return same_bits(one, latents); });
}

// Whether each image of a cell is missing, in the order of the plan.
std::vector<bool> missing_of(const PlannedCell& planned, const Plan& plan, const RunMetrics& metrics, Store* store) {
  std::vector<bool> missing(static_cast<std::size_t>(plan.images_per_cell()), true);
  for (std::size_t i = 0; i < missing.size(); ++i)
    missing[i] = plan.shard.has(static_cast<std::int64_t>(i) / planned.batch);
  const auto series = store ? store->find_series(planned.cell.key) : std::nullopt;
  const auto ids = series ? metrics.find_in(*store) : std::nullopt;
  if (!ids) return missing;
  const auto finished = store->finished(*series, *ids);
  const std::set<std::pair<std::int64_t, int>> done(finished.begin(), finished.end());
  const auto per_prompt = static_cast<std::size_t>(plan.images_per_prompt);
  for (std::size_t i = 0; i < missing.size(); ++i)
    missing[i] = missing[i] && !done.contains({plan.rows[i / per_prompt], static_cast<int>(i % per_prompt)});
  return missing;
}

SharingCount& operator+=(SharingCount& sum, const SharingCount& one) {
  sum.asked += one.asked;
  sum.computed += one.computed;
  sum.decodes_asked += one.decodes_asked;
  sum.decodes_computed += one.decodes_computed;
  return sum;
}

SharingCount times(const SharingCount& one, std::int64_t images) {
  return {one.asked * images, one.computed * images, one.decodes_asked * images, one.decodes_computed * images};
}

}  // namespace

std::int64_t forwards_of(const Denoising& denoising, bool guided) {
  SmallSampling small;
  small.run(denoising, guided, 0);
  return small.asked;
}

std::int64_t forwards_of(const PlannedCell& planned) {
  return forwards_of(denoising_of(planned.cell.key, planned.checkpoint),
                     evaluates_twice(planned.cell.key, planned.checkpoint));
}

SharingCount count_one_image(const Plan& plan, const std::vector<std::size_t>& cells, bool share) {
  SharingCount count;
  SmallSampling small;
  std::vector<Tensor> finished;
  for (const std::size_t i : cells) {
    const PlannedCell& planned = plan.cells[i];
    const Denoising denoising = denoising_of(planned.cell.key, planned.checkpoint);
    const Tensor latents = small.run(denoising, evaluates_twice(planned.cell.key, planned.checkpoint),
                                     planned.checkpoint.omega_embedding ? denoising.omega : 0);
    ++count.decodes_asked;
    if (is_known(finished, latents)) continue;
    finished.push_back(latents);
    ++count.decodes_computed;
  }
  count.asked = small.asked;
  count.computed = small.memo.computed();
  if (!share) return {count.asked, count.asked, count.decodes_asked, count.decodes_asked};
  return count;
}

SharingCount WorkEstimate::total() const {
  SharingCount sum;
  for (const auto& [checkpoint, one] : count) sum += one;
  return sum;
}

WorkEstimate estimate_work(const Plan& plan, const RunMetrics& metrics, Store* store, bool share) {
  WorkEstimate estimate;
  std::vector<std::vector<bool>> missing;
  std::map<CheckpointRef, std::vector<std::size_t>> cells;
  for (std::size_t i = 0; i < plan.cells.size(); ++i) {
    missing.push_back(missing_of(plan.cells[i], plan, metrics, store));
    estimate.images.push_back(std::count(missing[i].begin(), missing[i].end(), true));
    cells[plan.cells[i].cell.checkpoint].push_back(i);
  }
  for (const auto& [checkpoint, of_checkpoint] : cells) {
    std::map<std::vector<std::size_t>, std::int64_t> images;  // by the cells that lack them
    for (std::size_t image = 0; image < static_cast<std::size_t>(plan.images_per_cell()); ++image) {
      std::vector<std::size_t> lacking;
      for (const std::size_t cell : of_checkpoint)
        if (missing[cell][image]) lacking.push_back(cell);
      if (!lacking.empty()) ++images[lacking];
    }
    for (const auto& [lacking, number] : images)
      estimate.count[checkpoint] += times(count_one_image(plan, lacking, share), number);
  }
  return estimate;
}

}  // namespace fewstep
