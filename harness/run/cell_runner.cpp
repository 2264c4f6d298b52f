#include "harness/run/cell_runner.h"

#include "core/error.h"
#include "core/files.h"
#include "harness/generate/regenerated.h"
#include "harness/run/batch_maker.h"
#include "harness/run/batch_queue.h"
#include "harness/run/pipeline.h"
#include "harness/run/timing_pass.h"
#include "process/host_threads.h"
#include "process/interrupt.h"
#include "process/progress.h"
#include "process/torch_errors.h"
#include "store/cell_digest.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <ostream>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

constexpr std::size_t kAhead = 4;  // batches under way, whose images are in memory

// Path of the stored image, relative to the store's folder.
std::string keep(const RunContext& run, const std::string& png, const std::string& hash) {
  const Path folder = run.beside_store(".images"), file = folder / (hash + ".png");
  make_folders(folder);
  if (!std::filesystem::exists(file)) write_file_atomically(file, png);
  return (folder.filename() / file.filename()).string();
}

void store_batch(RunContext& run, const BatchWork& work) {
  const BatchImages& made = *work.images;
  std::vector<SampleRow> samples;
  for (std::size_t b = 0; b < work.keys.size(); ++b) {
    const ImageKey& key = work.keys[b];
    SampleRow sample{run.plan.rows[key.prompt], key.image, work.streams[b], work.forwards, made.hashes[b], ""};
    sample.fingerprint = made.fingerprints[b];
    sample.latents = work.latents_hashes[b];
    sample.trips = made.trips[b];
    if (work.together > 0) sample.together = work.together;
    samples.push_back(std::move(sample));
  }
  mark_regenerated(run.store, run.work[work.cell].series, samples, made.images, made.rows,
                   rounding_bounds(run.compute.dtype));
  for (std::size_t b = 0; b < samples.size(); ++b)
    if (!made.pngs[b].empty() && !samples[b].regenerated)
      samples[b].image_path = keep(run, made.pngs[b], made.hashes[b]);
  run.store.add_batch(run.id, run.work[work.cell].series, samples, made.rows);
}

// Goes through the cells of a run.
class CellRunner {
 public:
  explicit CellRunner(RunContext& run)
      : run_(run), progress_(run.messages, busy(run), images(run)), failed_(run.work.size()), begun_(run.work.size()) {}

  // Returns how many cells failed.
  std::size_t execute() {
    try {
      if (run_.request.times_only) {
        time_again();
      } else {
        make_images();
        time();
      }
    } catch (...) {
      abandon();
      throw;
    }
    progress_.clear();
    return static_cast<std::size_t>(
        std::count_if(failed_.begin(), failed_.end(), [](auto& one) { return one.load(); }));
  }

 private:
  enum class Begun : char { kNo, kYes, kDone };

  static std::int64_t busy(const RunContext& run) {
    return std::count_if(run.work.begin(), run.work.end(), [](auto& work) { return !work.batches.empty(); });
  }
  static std::int64_t images(const RunContext& run) {
    std::int64_t images = 0;
    for (const CellWork& work : run.work) images += count_images(work.batches);
    return images;
  }

  void make_images() {
    const bool share = !run_.request.no_sharing;
    BatchMaker maker(run_, share);
    BatchQueue queue(run_, maker, share, [this](std::size_t cell) { return failed_[cell].load(); });
    const Stages<BatchWork> stages{
        .next = [&] { return queue.next(); },
        .make = [&](BatchWork& work) { with_our_errors([&] { maker.make(work); }); },
        .parts = [](const BatchWork& work) { return work.keys.size(); },
        .prepare = [&](BatchWork& work, std::size_t i) { with_our_errors([&] { maker.prepare(work, i); }); },
        .measure = [&](BatchWork& work) { with_our_errors([&] { maker.measure(work); }); },
        .encode = [&](BatchWork& work, std::size_t i) { with_our_errors([&] { maker.encode(work, i); }); },
        .store = [&](BatchWork& work) { store(work); },
        .on_host_thread = on_host_thread};
    const PipelineTimes times = Pipeline<BatchWork>(stages, host_threads(run_.compute.device), kAhead).run();
    for (std::size_t i = 0; i < begun_.size(); ++i)
      if (begun_[i] == Begun::kYes) run_.set_cell(i, CellState::kIncomplete, "interrupted");
    progress_.clear();
    tell(maker, times);
  }

  // What the run says of its own work, in the store too.
  void tell(const BatchMaker& maker, const PipelineTimes& times) {
    const SharingCount& count = maker.count();
    if (count.asked == 0) return;
    const std::string shared = fmt::format("{} of {} network evaluations and {} of {} decodes", count.computed,
                                           count.asked, count.decodes_computed, count.decodes_asked);
    const NetworkSeconds& ran = maker.seconds();
    const double percent = 100 / std::max(1e-9, times.wall - times.loading);
    const std::string spent = fmt::format(
        "text {:.1f} %, UNet {:.1f} %, decoder {:.1f} %, metrics {:.1f} %, no network {:.1f} %", ran.text * percent,
        ran.denoise * percent, ran.decode * percent, ran.measure * percent, 100 * times.share_without_network());
    run_.store.set_fact(run_.id, "computed", shared);
    run_.store.set_fact(run_.id, "time after loading", spent);
    run_.messages << "computed " << shared << "; of the time after loading: " << spent << std::endl;
  }

  // The end of a batch's way, on the store's thread.
  void store(BatchWork& work) {
    if (failed_[work.cell]) return;
    if (begun_[work.cell] == Begun::kNo) {
      begun_[work.cell] = Begun::kYes;
      if (!work.keys.empty()) {
        run_.set_cell(work.cell, CellState::kRunning);
        progress_.begin_cell(cell_label(run_.plan.cells[work.cell].cell.key));
      }
    }
    attempt(work.cell, [&] {
      if (work.error) std::rethrow_exception(work.error);
      if (!work.keys.empty()) {
        store_batch(run_, work);
        if (work.together > 0) tell_smaller(work.together);
        progress_.add_images(static_cast<std::int64_t>(work.keys.size()));
        run_.work[work.cell].batches.erase(run_.work[work.cell].batches.begin());
      }
      if (work.last) finish_cell(work.cell);
    });
  }

  void tell_smaller(int together) {
    if (together == told_together_) return;
    told_together_ = together;
    progress_.clear();
    run_.messages << "the device has no memory for a whole batch: " << together
                  << " images at a time for the rest of the checkpoint; they equal those of another run within "
                     "rounding only"
                  << std::endl;
  }

  void finish_cell(std::size_t i) {
    begun_[i] = Begun::kDone;
    if (!run_.plan.shard.is_whole())
      return run_.set_cell(i, CellState::kIncomplete,
                           "shard " + text_of(run_.plan.shard) + "; fewstep merge joins them");
    if (run_.work[i].lacking > 0)
      return run_.set_cell(
          i, CellState::kIncomplete,
          fmt::format("{} of {} images are missing", run_.work[i].lacking, run_.plan.images_per_cell()));
    run_.metrics.score(run_.store, run_.id, run_.work[i].series, run_.plan);
    digest_cell(run_.store, run_.id, static_cast<int>(i), run_.work[i].series, run_.plan.rows,
                run_.plan.images_per_prompt);
    if (run_.work[i].timings.empty()) return run_.set_cell(i, CellState::kComplete);
    run_.set_cell(i, CellState::kRunning, "waits for its timing");
    untimed_.push_back(i);
  }

  // Cells stay as they were: an earlier run has their images and scores.
  void time_again() {
    std::vector<std::size_t> whole;
    for (std::size_t i = 0; i < run_.work.size(); ++i)
      if (run_.work[i].batches.empty()) whole.push_back(i);
    time_cells(run_, whole, progress_, [this](std::size_t i, const auto& work) { attempt(i, work); });
  }

  // Last, over all cells that are there: what else the machine does then falls on all of them alike.
  void time() {
    std::sort(untimed_.begin(), untimed_.end());
    time_cells(run_, untimed_, progress_, [this](std::size_t i, const auto& work) { attempt(i, work); });
    for (const std::size_t i : untimed_) {
      if (failed_[i]) continue;
      interrupted() ? run_.set_cell(i, CellState::kIncomplete, "interrupted while timing")
                    : run_.set_cell(i, CellState::kComplete);
    }
  }

  // A broken input fails its cell, and the others go on; what fails the device or the disk ends the run.
  template <typename Work>
  void attempt(std::size_t i, Work&& work) {
    current_ = i;
    try {
      with_our_errors(work);
    } catch (const Error& error) {
      if (error.code() == ExitCode::kEnvironment) throw;
      failed_[i] = true;
      begun_[i] = Begun::kDone;
      run_.set_cell(i, CellState::kFailed, error.what());
      progress_.skip_images(count_images(run_.work[i].batches));
      progress_.clear();
      run_.messages << "failed: " << cell_label(run_.plan.cells[i].cell.key) << ": " << error.what() << std::endl;
    }
  }

  // Writes into the store that an error ended the run, as far as that can still be written.
  void abandon() noexcept {
    try {
      progress_.clear();
      begun_[current_] = Begun::kYes;
      for (std::size_t i = 0; i < begun_.size(); ++i)
        if (begun_[i] == Begun::kYes) run_.set_cell(i, CellState::kIncomplete, "the run ended with an error");
      run_.store.end_run(run_.id, "failed");
    } catch (...) {
      return;  // the first error is the one to report
    }
  }

  RunContext& run_;
  Progress progress_;
  std::vector<std::atomic<bool>> failed_;  // of each cell; set on the store's thread, read on both
  std::vector<Begun> begun_;
  std::size_t current_ = 0;
  std::vector<std::size_t> untimed_;  // whole but for their timing
  int told_together_ = 0;
};

}  // namespace

std::size_t run_cells(RunContext& run) { return CellRunner(run).execute(); }

}  // namespace fewstep
