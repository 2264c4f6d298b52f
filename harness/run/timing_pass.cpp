#include "harness/run/timing_pass.h"

#include "core/process_limits.h"
#include "harness/run/timing.h"
#include "process/environment.h"
#include "process/interrupt.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>

namespace fewstep {
namespace {

bool fit_together(const RunContext& run, const std::vector<std::size_t>& cells) {
  std::map<CheckpointRef, double> bytes;
  for (const std::size_t i : cells) {
    const CheckpointRef& checkpoint = run.plan.cells[i].cell.checkpoint;
    if (!bytes.contains(checkpoint)) bytes[checkpoint] = bytes_in_memory(checkpoint);
  }
  double sum = 0;
  for (const auto& [checkpoint, size] : bytes) sum += size;
  return bytes.size() == 1 || sum < static_cast<double>(free_memory(run.compute.device));
}

// Checkpoints as the pass needs them.
class Loaded {
 public:
  Loaded(const RunContext& run, bool all) : run_(run), all_(all) {}
  const Checkpoint& at(const CheckpointRef& checkpoint) {
    auto& place = checkpoints_[checkpoint];
    if (!place) {
      if (!all_) {
        checkpoints_.clear();
        return *checkpoints_.emplace(checkpoint, load(checkpoint)).first->second;
      }
      place = load(checkpoint);
    }
    return *place;
  }

 private:
  std::unique_ptr<Checkpoint> load(const CheckpointRef& checkpoint) const {
    return std::make_unique<Checkpoint>(load_checkpoint(checkpoint, run_.compute, false));
  }
  const RunContext& run_;
  bool all_;
  std::map<CheckpointRef, std::unique_ptr<Checkpoint>> checkpoints_;
};

void visit_cell(RunContext& run, const TimedCell& timed, const TimingVisit& visit, Loaded& loaded) {
  const PlannedCell& planned = run.plan.cells[timed.cell];
  const Checkpoint& checkpoint = loaded.at(planned.cell.checkpoint);
  const auto repetition = batch_timer(checkpoint, denoising_of(planned.cell.key, checkpoint.info), planned.size,
                                      first_texts(run.plan, timed.batch), run.experiment.cell.negative_prompt);
  warm_up(run.experiment.timing->warmup, visit.round, repetition);
  std::vector<TimingRow> rows;
  for (int i = 0; i < visit.repetitions; ++i) {
    const auto of_one = rows_of(repetition(), visit, timed.batch, visit.first_repetition + i);
    rows.insert(rows.end(), of_one.begin(), of_one.end());
  }
  run.store.add_timings(run.id, run.work[timed.cell].series, rows);
}

}  // namespace

void time_cells(RunContext& run, const std::vector<std::size_t>& cells, Progress& progress,
                const AttemptCell& attempt) {
  std::vector<TimedCell> timed;
  for (const std::size_t i : cells)
    for (const int batch : run.work[i].timings) timed.push_back({i, batch});
  if (timed.empty()) return;
  const std::string before = load_text();
  const CpuSeconds cpu = cpu_seconds();
  const Throttling throttled = throttling();
  const auto start = std::chrono::steady_clock::now();
  Loaded loaded(run, fit_together(run, cells));
  std::vector<bool> failed(run.work.size());
  const auto visits = timing_visits(timed.size(), run.experiment.timing->repetitions);
  for (const TimingVisit& visit : visits) {
    if (interrupted()) break;
    const TimedCell& one = timed[visit.timed];
    if (failed[one.cell]) continue;
    progress.begin_timing(cell_label(run.plan.cells[one.cell].cell.key), &visit - visits.data(),
                          static_cast<std::int64_t>(visits.size()));
    failed[one.cell] = true;
    attempt(one.cell, [&] {
      visit_cell(run, one, visit, loaded);
      failed[one.cell] = false;
    });
  }
  run.store.set_fact(run.id, "machine while timing", "before: " + before + "; after: " + load_text());
  if (const double seconds = throttling().seconds - throttled.seconds; seconds > 0)
    run.store.set_fact(run.id, std::string(kThrottledSeconds), fmt::format("{:.3f}", seconds));
  if (run.compute.device.is_cuda()) return;  // where other processes leave the device alone
  const CpuSeconds now = cpu_seconds();
  const double others = (now.machine - cpu.machine - (now.own - cpu.own)) / std::max(1e-3, seconds_since(start));
  run.store.set_fact(run.id, std::string(kOtherCores), fmt::format("{:.3f}", std::max(0.0, others)));
}

}  // namespace fewstep
