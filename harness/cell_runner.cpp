#include "harness/cell_runner.h"

#include "core/error.h"
#include "core/files.h"
#include "harness/interrupt.h"
#include "harness/made_again.h"
#include "harness/progress.h"
#include "harness/text_states.h"
#include "harness/timing_pass.h"
#include "harness/torch_errors.h"
#include "images/files.h"
#include "images/tripwires.h"
#include "store/seal.h"

#include <algorithm>
#include <optional>
#include <ostream>
#include <set>

namespace fewstep {
namespace {

// Path of the stored image, relative to the store's folder.
std::string keep(const RunContext& run, const Image& image, const std::string& hash) {
  const std::filesystem::path folder = run.beside_store(".images"), file = folder / (hash + ".png");
  make_folders(folder);
  if (!std::filesystem::exists(file)) write_png(file, image);
  return (folder.filename() / file.filename()).string();
}

// The way of one batch, from captions to the store.
void make_batch(RunContext& run, std::size_t i, const Checkpoint& checkpoint, const Denoising& denoising,
                TextStates& states, const std::vector<ImageKey>& keys) {
  std::vector<std::size_t> prompts;
  std::vector<std::string> texts;
  std::vector<SampleRow> samples;
  std::vector<std::uint64_t> streams;
  for (const ImageKey& key : keys) {
    prompts.push_back(key.prompt);
    texts.push_back(run.plan.texts[key.prompt]);
    streams.push_back(stream_seed(run.experiment.seed, run.plan.rows[key.prompt], key.image));
    samples.push_back({run.plan.rows[key.prompt], key.image, streams.back(), 0, "", ""});
  }
  Rng rng = image_rng(streams);
  const Tensor noise = rng.normal(run.plan.cells[i].size.latents(static_cast<std::int64_t>(keys.size())));
  const Denoised denoised = denoise(checkpoint, denoising, states.of(prompts), states.negative(), noise, rng);
  const std::vector<Image> images = to_images(decode(checkpoint.vae, denoised.latents));
  for (std::size_t b = 0; b < keys.size(); ++b) {
    samples[b].forwards = denoised.forwards;
    samples[b].image_sha256 = image_hash(images[b]);
    samples[b].fingerprint = fingerprint(images[b]);
    samples[b].latents = latents_hash(noise[static_cast<std::int64_t>(b)]);
    samples[b].trips = trips_of(images[b]);
  }
  const std::vector<MetricRows> rows = run.metrics.measure(images, texts);
  mark_made_again(run.store, run.work[i].series, samples, images, rows, rounding_bounds(run.compute.dtype));
  for (std::size_t b = 0; b < keys.size(); ++b)
    if (static_cast<std::int64_t>(keys[b].prompt) < run.experiment.keep_images && !samples[b].made_again)
      samples[b].image_path = keep(run, images[b], samples[b].image_sha256);
  run.store.add_batch(run.id, run.work[i].series, samples, rows);
}

// Goes through the cells of a run.
class CellRunner {
 public:
  explicit CellRunner(RunContext& run) : run_(run), progress_(run.messages, busy(run), images(run)) {}

  // Cells of one checkpoint follow each other, so that each is loaded once. Returns how many failed.
  std::size_t execute() {
    const auto& cells = run_.plan.cells;
    std::vector<bool> done(cells.size());
    try {
      if (run_.request.times_only) return time_again();
      for (std::size_t first = 0; first < cells.size() && !interrupted(); ++first) {
        if (done[first]) continue;
        std::vector<std::size_t> group;
        for (std::size_t i = first; i < cells.size(); ++i)
          if (cells[i].cell.checkpoint_path == cells[first].cell.checkpoint_path) group.push_back(i);
        for (const std::size_t i : group) done[i] = true;
        run_group(group);
      }
      time();
    } catch (...) {
      abandon();
      throw;
    }
    progress_.clear();
    return failed_cells_.size();
  }

 private:
  static std::int64_t busy(const RunContext& run) {
    return std::count_if(run.work.begin(), run.work.end(), [](auto& work) { return !work.batches.empty(); });
  }
  static std::int64_t images(const RunContext& run) {
    std::int64_t images = 0;
    for (const CellWork& work : run.work) images += count_images(work.batches);
    return images;
  }

  void run_group(const std::vector<std::size_t>& group) {
    std::optional<Checkpoint> checkpoint;
    std::optional<TextStates> states;
    for (const std::size_t i : group) {
      if (interrupted()) return;
      attempt(i, [&] {
        if (!run_.work[i].batches.empty() && !checkpoint) {
          checkpoint.emplace(load_checkpoint(run_.plan.cells[i].cell.checkpoint_path, run_.compute, false));
          states.emplace(*checkpoint, run_.plan.texts, run_.experiment.negative_prompt);
        }
        run_cell(i, checkpoint ? &*checkpoint : nullptr, states ? &*states : nullptr);
      });
    }
  }

  // Cells stay as they were: an earlier run has their images and scores.
  std::size_t time_again() {
    std::vector<std::size_t> whole;
    for (std::size_t i = 0; i < run_.work.size(); ++i)
      if (run_.work[i].batches.empty()) whole.push_back(i);
    time_cells(run_, whole, progress_, [this](std::size_t i, const auto& work) { attempt(i, work); });
    progress_.clear();
    return failed_cells_.size();
  }

  // Last, over all cells that are there: what else the machine does then falls on all of them alike.
  void time() {
    const std::vector<std::size_t> cells = untimed_;
    time_cells(run_, cells, progress_, [this](std::size_t i, const std::function<void()>& work) {
      attempt(i, work);
      if (failed_cells_.contains(i)) std::erase(untimed_, i);
    });
    for (const std::size_t i : untimed_)
      interrupted() ? run_.set_cell(i, CellState::kIncomplete, "interrupted while timing")
                    : run_.set_cell(i, CellState::kComplete);
  }

  // A broken input fails its cell, and the others go on; what fails the device or the disk ends the run.
  template <typename Work>
  void attempt(std::size_t i, Work&& work) {
    current_ = i;
    try {
      with_our_errors(work);
    } catch (const Error& error) {
      if (error.code() == ExitCode::kEnvironment) throw;
      run_.set_cell(i, CellState::kFailed, error.what());
      failed_cells_.insert(i);
      progress_.skip_images(count_images(run_.work[i].batches));
      progress_.clear();
      run_.messages << "failed: " << label_of(run_.plan.cells[i].cell) << ": " << error.what() << std::endl;
    }
  }

  void run_cell(std::size_t i, const Checkpoint* checkpoint, TextStates* states) {
    auto& batches = run_.work[i].batches;
    if (checkpoint && !batches.empty()) {
      const Cell& cell = run_.plan.cells[i].cell;
      run_.set_cell(i, CellState::kRunning);
      progress_.begin_cell(label_of(cell));
      const Denoising denoising = denoising_of(cell, *checkpoint);
      while (!batches.empty() && !interrupted()) {
        make_batch(run_, i, *checkpoint, denoising, *states, batches.front());
        progress_.add_images(static_cast<std::int64_t>(batches.front().size()));
        batches.erase(batches.begin());
      }
      if (interrupted()) return run_.set_cell(i, CellState::kIncomplete, "interrupted");
    }
    run_.metrics.score(run_.store, run_.id, run_.work[i].series, run_.plan);
    seal_cell(run_.store, run_.id, static_cast<int>(i), run_.work[i].series, run_.plan.rows,
              run_.plan.images_per_prompt);
    if (run_.work[i].timings.empty()) return run_.set_cell(i, CellState::kComplete);
    run_.set_cell(i, CellState::kRunning, "waits for its timing");
    untimed_.push_back(i);
  }

  // Writes into the store that an error ended the run, as far as that can still be written.
  void abandon() noexcept {
    try {
      progress_.clear();
      run_.set_cell(current_, CellState::kIncomplete, "the run ended with an error");
      run_.store.end_run(run_.id, "failed");
    } catch (...) {
      return;  // the first error is the one to report
    }
  }

  RunContext& run_;
  Progress progress_;
  std::size_t current_ = 0;
  std::set<std::size_t> failed_cells_;
  std::vector<std::size_t> untimed_;  // whole but for their timing
};

}  // namespace

std::size_t run_cells(RunContext& run) { return CellRunner(run).execute(); }

}  // namespace fewstep
