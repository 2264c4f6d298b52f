// What a run would take, from two batches of each checkpoint.
#include "core/error.h"
#include "harness/run/dry_run.h"
#include "harness/run/timing.h"
#include "process/environment.h"
#include "process/progress.h"
#include "store/read.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <map>
#include <ostream>
#include <set>

namespace fewstep {
namespace {

double peak_gigabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e9;
}

// Milliseconds of one image, by its parts, in batches of one size.
struct Cost {
  double text = 0, forward = 0, decode = 0;
  double of_cell(const PlannedCell& planned) const {
    return text + forward * static_cast<double>(forwards_of(planned)) + decode;
  }
};
// Of a checkpoint.
struct Costs {
  double load = 0;           // once
  std::map<int, Cost> cost;  // by batch size
};

Costs measure(const Plan& plan, const PlannedCell& planned, const Experiment& experiment, const Compute& compute,
              const std::set<int>& batches) {
  const auto start = std::chrono::steady_clock::now();
  const Checkpoint checkpoint = load_checkpoint(planned.cell.checkpoint, compute, false);
  Costs costs;
  costs.load = 1000 * seconds_since(start);
  const Denoising denoising = denoising_of(planned.cell.key, checkpoint.info);
  for (const int size : batches) {
    const auto batch =
        batch_timer(checkpoint, denoising, planned.size, first_texts(plan, size), experiment.cell.negative_prompt);
    batch();  // packs the weights
    const StageTimes times = batch();
    costs.cost[size] = {times.text / size, times.denoise / size / static_cast<double>(forwards_of(planned)),
                        times.decode / size};
  }
  return costs;
}

// Of one image; what it shows takes no part in the time.
double measuring_ms(const RunMetrics& metrics, const ImageSize& size, const std::vector<std::string>& captions) {
  const auto values = std::size_t{3} * static_cast<std::size_t>(size.height) * static_cast<std::size_t>(size.width);
  const Image image{size.height, size.width, std::vector<std::uint8_t>(values)};
  const auto measure = [&] {
    std::vector<std::vector<Tensor>> prepared;
    for (std::size_t i = 0; i < captions.size(); ++i) prepared.push_back(metrics.prepare(image));
    metrics.measure(prepared, captions);
  };
  measure();  // packs the weights
  const auto start = std::chrono::steady_clock::now();
  measure();
  return 1000 * seconds_since(start) / static_cast<double>(captions.size());
}

// Repetitions of one cell at one batch size, those that warm up included.
double repetitions_of(const Timing& timing) {
  const auto visits = static_cast<double>(timing_visits(1, timing.repetitions).size());
  return timing.repetitions + (timing.warmup > 0 ? timing.warmup + 1 + visits - 1 : 0);
}

// Whether a cell has to be timed at that batch size.
bool is_untimed(const PlannedCell& planned, Store* store, const std::string& environment, const Timing& timing,
                int batch) {
  const auto series = store ? store->find_series(planned.cell.key) : std::nullopt;
  const auto id = series ? store->find_environment(environment) : std::nullopt;
  return !id || timed_repetitions(*store, *series, *id, batch) < timing.repetitions;
}

}  // namespace

void print_calibration(const RunRequest& request, const Experiment& experiment, const Plan& plan,
                       const Compute& compute, Store* store, std::ostream& out, std::ostream& messages) {
  RunMetrics metrics(experiment, compute);
  const WorkEstimate estimate = estimate_work(plan, metrics, store, !request.no_sharing);
  const std::string environment = environment_json(compute.device);
  const bool times = experiment.timing && !request.inner.no_timing;
  std::map<CheckpointRef, Costs> costs;
  double measuring = 0, total = 0;
  for (const PlannedCell& planned : plan.cells) {
    const auto& checkpoint = planned.cell.checkpoint;
    const int batch = planned.batch;
    if (!costs.contains(checkpoint)) {
      messages << "calibrating " << planned.cell.key.checkpoint_name << std::endl;
      std::set<int> batches{batch};
      if (times) batches.insert(experiment.timing->batch.begin(), experiment.timing->batch.end());
      const Costs& of = costs.emplace(checkpoint, measure(plan, planned, experiment, compute, batches)).first->second;
      measuring = measuring_ms(metrics, planned.size, first_texts(plan, batch));
      const SharingCount& count = estimate.count.contains(checkpoint) ? estimate.count.at(checkpoint) : SharingCount{};
      const Cost& cost = of.cost.at(batch);
      if (count.asked > 0) total += of.load + cost.text * static_cast<double>(plan.texts.size());
      total += cost.forward * static_cast<double>(count.computed);
      total += (cost.decode + measuring) * static_cast<double>(count.decodes_computed);
    }
    if (!times) continue;
    for (const int size : experiment.timing->batch)
      if (is_untimed(planned, store, environment, *experiment.timing, size))
        total += costs.at(checkpoint).cost.at(size).of_cell(planned) * size * repetitions_of(*experiment.timing);
  }
  out << fmt::format(
      "calibrated on two batches of each checkpoint: about {} in all, of which {:.3g} ms an image for the metrics; "
      "{:.2f} GB of memory at most\n",
      duration_text(total / 1000), measuring, peak_gigabytes());
}

}  // namespace fewstep
