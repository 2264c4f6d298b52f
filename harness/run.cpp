#include "harness/run.h"

#include "core/error.h"
#include "harness/dry_run.h"
#include "harness/environment.h"
#include "harness/interrupt.h"
#include "harness/plan.h"
#include "harness/progress.h"
#include "harness/run_metrics.h"
#include "harness/text_states.h"
#include "harness/timing.h"
#include "harness/torch_errors.h"
#include "harness/train.h"
#include "harness/training_progress.h"
#include "images/files.h"
#include "store/read.h"
#include "store/training.h"

#include <c10/core/InferenceMode.h>

#include <memory>
#include <ostream>
#include <set>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

Path store_path(const RunRequest& request, const Experiment& experiment) {
  return request.store.empty() ? Path("results") / (experiment.name + ".sqlite") : request.store;
}

// results/NAME.images beside results/NAME.sqlite.
Path beside(const Path& store, const char* extension) { return Path(store).replace_extension(extension); }

PromptSet read_captions(const Experiment& experiment, const RunRequest& request, std::ostream& messages) {
  PromptQuery query = experiment.prompts;
  if (request.limit) query.count = std::min(*request.limit, query.count.value_or(*request.limit));
  const bool shorter =
      request.limit && !experiment.prompts.count;  // a file with fewer captions than --limit is no error
  if (shorter) query.count.reset();
  PromptSet prompts = read_prompts(query);
  if (shorter && prompts.prompts.size() > static_cast<std::size_t>(*request.limit))
    prompts.prompts.resize(static_cast<std::size_t>(*request.limit));
  if (prompts.rows_empty > 0)
    messages << "warning: " << prompts.rows_empty << " empty captions of " << query.file.string() << " are left out\n";
  return prompts;
}

// What is still to be done for one cell.
struct CellWork {
  std::int64_t series = 0;
  std::vector<std::vector<ImageKey>> batches;
  std::vector<int> timings;  // batch sizes
  bool needs_checkpoint() const { return !batches.empty() || !timings.empty(); }
};

class Run {
 public:
  Run(const RunRequest& request, const Experiment& experiment, const Plan& plan, const Compute& compute,
      RunMetrics& metrics, std::ostream& messages)
      : request_(request),
        experiment_(experiment),
        plan_(plan),
        compute_(compute),
        metrics_(metrics),
        messages_(messages),
        path_(store_path(request, experiment)),
        store_(Store::open(path_, Store::Mode::kWrite)) {
    metrics_.read_references(experiment_, beside(path_, ".references"), messages_);
    metrics_.add_to(store_);
    store_.add_prompts(plan_.prompts.source, plan_.rows, plan_.texts);
    environment_ = store_.add_environment(environment_json(compute_.device));
    for (const PlannedCell& planned : plan_.cells) work_.push_back(work_of(planned));
    id_ = store_.begin_run(store_.add_config(experiment_.canonical_json), environment_, experiment_.name);
    for (std::size_t i = 0; i < work_.size(); ++i) set_cell(i, CellState::kPlanned);
    std::int64_t images = 0, busy = 0;
    for (const CellWork& work : work_) {
      images += count_images(work.batches);
      busy += work.needs_checkpoint() ? 1 : 0;
    }
    progress_ = std::make_unique<Progress>(messages_, busy, images);
  }

  // Cells of one checkpoint follow each other, so that each is loaded once.
  int execute(const ShowRun& show) {
    try {
      std::vector<bool> done(plan_.cells.size());
      for (std::size_t first = 0; first < plan_.cells.size() && !interrupted(); ++first) {
        if (done[first]) continue;
        std::vector<std::size_t> group;
        for (std::size_t i = first; i < plan_.cells.size(); ++i)
          if (plan_.cells[i].cell.checkpoint_path == plan_.cells[first].cell.checkpoint_path) group.push_back(i);
        for (const std::size_t i : group) done[i] = true;
        run_group(group);
      }
    } catch (...) {
      abandon();
      throw;
    }
    progress_->clear();
    return finish(show);
  }

 private:
  CellWork work_of(const PlannedCell& planned) {
    CellWork work;
    const SeriesKey& key = planned.series;
    store_.add_checkpoint(key.checkpoint_sha256, key.checkpoint_name, planned.cell.checkpoint_path.string(),
                          key.checkpoint_kind);
    if (const auto record = read_training_record(planned.cell.checkpoint_path, key.checkpoint_sha256))
      add_training(store_, *record);
    work.series = store_.add_series(key);
    const int batch = request_.batch > 0 ? request_.batch : default_batch(planned.size, compute_.device.is_cuda());
    work.batches = missing_batches(plan_, store_.finished(work.series, metrics_.ids()), batch);
    if (!experiment_.timing) return work;
    for (const int size : experiment_.timing->batch) {
      const auto stored = timed_repetitions(store_, work.series, environment_, size, kTimingStages);
      if (request_.retime || stored < experiment_.timing->repetitions) work.timings.push_back(size);
    }
    return work;
  }

  void set_cell(std::size_t i, CellState state, const std::string& message = "") {
    store_.set_cell(id_, work_[i].series, static_cast<int>(i), state, plan_.images_per_cell(), message);
  }

  void run_group(const std::vector<std::size_t>& group) {
    std::optional<Checkpoint> checkpoint;
    std::optional<TextStates> states;
    for (const std::size_t i : group) {
      if (interrupted()) return;
      attempt(i, [&] {
        if (work_[i].needs_checkpoint() && !checkpoint) {
          checkpoint.emplace(load_checkpoint(plan_.cells[i].cell.checkpoint_path, compute_, false));
          states.emplace(*checkpoint, plan_.texts, experiment_.negative_prompt);
        }
        run_cell(i, checkpoint ? &*checkpoint : nullptr, states ? &*states : nullptr);
      });
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
      set_cell(i, CellState::kFailed, error.what());
      ++failed_;
      progress_->skip_images(count_images(work_[i].batches));
      progress_->clear();
      messages_ << "failed: " << label_of(plan_.cells[i].cell) << ": " << error.what() << std::endl;
    }
  }

  void run_cell(std::size_t i, const Checkpoint* checkpoint, TextStates* states) {
    const PlannedCell& planned = plan_.cells[i];
    if (checkpoint && work_[i].needs_checkpoint()) {
      set_cell(i, CellState::kRunning);
      progress_->begin_cell(label_of(planned.cell));
      const Denoising denoising = denoising_of(planned.cell, *checkpoint);
      auto& batches = work_[i].batches;
      while (!batches.empty() && !interrupted()) {
        make_batch(i, *checkpoint, denoising, *states, batches.front());
        progress_->add_images(static_cast<std::int64_t>(batches.front().size()));
        batches.erase(batches.begin());
      }
      if (interrupted()) return set_cell(i, CellState::kIncomplete, "interrupted");
      metrics_.score(store_, id_, work_[i].series, plan_);
      time(i, *checkpoint, denoising);
      if (interrupted()) return set_cell(i, CellState::kIncomplete, "interrupted while timing");
    } else {
      metrics_.score(store_, id_, work_[i].series, plan_);
    }
    set_cell(i, CellState::kComplete);
  }

  // The way of one batch, from captions to the store.
  void make_batch(std::size_t i, const Checkpoint& checkpoint, const Denoising& denoising, TextStates& states,
                  const std::vector<ImageKey>& keys) {
    std::vector<std::size_t> prompts;
    std::vector<std::string> texts;
    std::vector<SampleRow> samples;
    std::vector<std::uint64_t> streams;
    for (const ImageKey& key : keys) {
      prompts.push_back(key.prompt);
      texts.push_back(plan_.texts[key.prompt]);
      streams.push_back(stream_seed(experiment_.seed, plan_.rows[key.prompt], key.image));
      samples.push_back({plan_.rows[key.prompt], key.image, streams.back(), 0, "", ""});
    }
    Rng rng = image_rng(streams);
    const Tensor noise = rng.normal(plan_.cells[i].size.latents(static_cast<std::int64_t>(keys.size())));
    const Denoised denoised = denoise(checkpoint, denoising, states.of(prompts), states.negative(), noise, rng);
    const std::vector<Image> images = to_images(decode(checkpoint.vae, denoised.latents));
    for (std::size_t b = 0; b < keys.size(); ++b) {
      samples[b].forwards = denoised.forwards;
      samples[b].image_sha256 = image_hash(images[b]);
      if (static_cast<std::int64_t>(keys[b].prompt) < experiment_.keep_images)
        samples[b].image_path = keep(images[b], samples[b].image_sha256);
    }
    store_.add_batch(id_, work_[i].series, samples, metrics_.measure(images, texts));
  }

  // Path of the stored image, relative to the store's folder.
  std::string keep(const Image& image, const std::string& hash) {
    const Path folder = beside(path_, ".images"), file = folder / (hash + ".png");
    std::error_code failure;
    std::filesystem::create_directories(folder, failure);
    if (failure) throw environment_error(folder.string(), "cannot be made: " + failure.message());
    if (!std::filesystem::exists(file)) write_png(file, image);
    return (folder.filename() / file.filename()).string();
  }

  void time(std::size_t i, const Checkpoint& checkpoint, const Denoising& denoising) {
    for (const int batch : work_[i].timings) {
      std::vector<std::string> texts;
      for (int b = 0; b < batch; ++b) texts.push_back(plan_.texts[static_cast<std::size_t>(b) % plan_.texts.size()]);
      const auto rows = time_cell(checkpoint, denoising, plan_.cells[i].size, texts, experiment_.negative_prompt,
                                  experiment_.timing->warmup, experiment_.timing->repetitions);
      if (interrupted()) return;
      store_.add_timings(id_, work_[i].series, rows);
    }
  }

  // After an error that ended the run: says so in the store, as far as that can still be written.
  void abandon() noexcept {
    try {
      progress_->clear();
      set_cell(current_, CellState::kIncomplete, "the run ended with an error");
      store_.end_run(id_, "failed");
    } catch (...) {
      return;  // the first error is the one to report
    }
  }

  int finish(const ShowRun& show) {
    if (interrupted()) {
      store_.end_run(id_, "interrupted");
      messages_ << "interrupted: what is done is in " << path_.string() << "; the same command continues" << std::endl;
      return static_cast<int>(ExitCode::kInterrupted);
    }
    store_.end_run(id_, failed_ == 0 ? "complete" : failed_ == plan_.cells.size() ? "failed" : "incomplete");
    show(store_, id_);
    messages_ << "stored in " << path_.string() << std::endl;
    if (failed_ == 0) return 0;
    messages_ << failed_ << " of " << plan_.cells.size()
              << " cells failed (see above); the others are stored, and the same command tries again" << std::endl;
    return static_cast<int>(ExitCode::kIncomplete);
  }

  const RunRequest& request_;
  const Experiment& experiment_;
  const Plan& plan_;
  const Compute compute_;
  RunMetrics& metrics_;
  std::ostream& messages_;
  const Path path_;
  Store store_;
  std::int64_t id_ = 0, environment_ = 0;
  std::vector<CellWork> work_;
  std::unique_ptr<Progress> progress_;
  std::size_t current_ = 0, failed_ = 0;
};

// The recipes whose students the cells sample.
std::vector<Recipe> trainings_of(const Experiment& experiment, const std::vector<Cell>& cells) {
  std::set<std::size_t> used;
  for (const Cell& cell : cells)
    for (const ExperimentCheckpoint& checkpoint : experiment.checkpoints)
      if (checkpoint.name == cell.checkpoint && checkpoint.training) used.insert(*checkpoint.training);
  std::vector<Recipe> recipes;
  for (const std::size_t i : used) recipes.push_back(experiment.training[i]);
  return recipes;
}

// Cells of checkpoints that are not there yet have no hash to be planned by.
int print_training_plan(const std::vector<Recipe>& recipes, const std::vector<Cell>& cells, std::ostream& out) {
  for (const Recipe& recipe : recipes) out << dry_run_text(recipe);
  out << "then " << cells.size() << " cells\n";
  return 0;
}

}  // namespace

int run_experiment(const RunRequest& request, const ShowRun& show, std::ostream& out, std::ostream& messages) {
  const Experiment experiment = read_experiment(request.experiment, request.set, request.only);
  const std::vector<Cell> cells = select(expand(experiment), request.only);
  const Compute compute{parse_device(request.device), parse_dtype(request.dtype)};
  if (const auto recipes = trainings_of(experiment, cells); !recipes.empty()) {
    if (request.dry_run) return print_training_plan(recipes, cells, out);
    catch_interrupts();
    for (const Recipe& recipe : recipes) {
      if (!train_recipe(recipe, compute.device, false, messages)) {
        messages << "interrupted: what is done is kept; the same command continues" << std::endl;
        return static_cast<int>(ExitCode::kInterrupted);
      }
    }
  }
  use_exact_float32();
  const c10::InferenceMode inference;
  const Plan plan = make_plan(experiment, cells, read_captions(experiment, request, messages), compute);
  RunMetrics metrics(experiment, compute);
  if (request.dry_run) {
    print_dry_run(experiment, plan, metrics, store_path(request, experiment), environment_json(compute.device), out);
    return 0;
  }
  catch_interrupts();
  return Run(request, experiment, plan, compute, metrics, messages).execute(show);
}

}  // namespace fewstep
