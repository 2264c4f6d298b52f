#include "harness/run.h"

#include "core/device.h"
#include "core/error.h"
#include "core/files.h"
#include "datasets/pairing.h"
#include "harness/dry_run.h"
#include "harness/environment.h"
#include "harness/interrupt.h"
#include "harness/made_again.h"
#include "harness/plan.h"
#include "harness/preflight.h"
#include "harness/progress.h"
#include "harness/run_context.h"
#include "harness/run_facts.h"
#include "harness/text_states.h"
#include "harness/timing_pass.h"
#include "harness/torch_errors.h"
#include "harness/train.h"
#include "harness/training_progress.h"
#include "images/files.h"
#include "store/read.h"
#include "store/read_samples.h"
#include "store/training.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
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
  if (!query.shapes) messages << text_of(prompts, query.file) << std::endl;
  return prompts;
}

CellWork work_of(RunContext& run, const PlannedCell& planned) {
  CellWork work;
  const SeriesKey& key = planned.series;
  run.store.add_checkpoint(key.checkpoint_sha256, key.checkpoint_name, planned.cell.checkpoint_path.string(),
                           key.checkpoint_kind);
  if (const auto record = read_training_record(planned.cell.checkpoint_path, key.checkpoint_sha256))
    add_training(run.store, *record);
  work.series = run.store.add_series(key);
  const int batch =
      run.request.batch > 0 ? run.request.batch : default_batch(planned.size, run.compute.device.is_cuda());
  work.batches = missing_batches(run.plan, run.store.finished(work.series, run.metrics.row_ids()), batch);
  if (!run.experiment.timing) return work;
  for (const int size : run.experiment.timing->batch) {
    const auto stored = timed_repetitions(run.store, work.series, run.environment, size);
    if (run.request.retime || stored < run.experiment.timing->repetitions) work.timings.push_back(size);
  }
  return work;
}

// Opens the store, reads references, and writes down what is planned.
RunContext begin_run(const RunRequest& request, const Experiment& experiment, const Plan& plan, const Compute& compute,
                     RunMetrics& metrics, std::ostream& messages) {
  const Path path = store_path(request, experiment);
  RunContext run{request, experiment, plan, compute, metrics, messages, path, Store::open(path, Store::Mode::kWrite),
                 0,       0,          {}};
  metrics.read_references(experiment, beside(path, ".references"), messages);
  metrics.add_to(run.store);
  run.store.add_prompts(plan.prompts.source, plan.rows, plan.texts);
  run.environment = run.store.add_environment(environment_json(compute.device));
  for (const PlannedCell& planned : plan.cells) run.work.push_back(work_of(run, planned));
  run.id = run.store.begin_run(run.store.add_config(experiment.canonical_json), run.environment, experiment.name);
  for (std::size_t i = 0; i < run.work.size(); ++i) run.set_cell(i, CellState::kPlanned);
  for (const auto& [name, text] : run_facts(request, experiment, plan)) run.store.set_fact(run.id, name, text);
  metrics.add_floors(experiment, run.store, run.id, plan.images_per_cell(), messages);
  return run;
}

// Path of the stored image, relative to the store's folder.
std::string keep(const RunContext& run, const Image& image, const std::string& hash) {
  const Path folder = beside(run.path, ".images"), file = folder / (hash + ".png");
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

  // Last, over all cells that are there: what else the machine does then falls on all of them alike.
  void time() {
    time_cells(run_, untimed_, progress_, [this](std::size_t i, const std::function<void()>& work) {
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

// Beside the kept images, so that they can be scored, trained on and looked at elsewhere.
void write_kept_captions(RunContext& run) {
  if (run.experiment.keep_images == 0) return;
  std::vector<CaptionRow> rows;
  for (KeptImage& image : kept_images(run.store))
    rows.push_back(
        {Path(image.image_path).filename().string(), std::move(image.text), image.prompt_row, std::move(image.cell)});
  if (!rows.empty()) write_captions(beside(run.path, ".images"), rows);
}

int finish(RunContext& run, std::size_t failed, const ShowRun& show) {
  const std::size_t cells = run.plan.cells.size();
  write_kept_captions(run);
  if (interrupted()) {
    run.store.end_run(run.id, "interrupted");
    run.messages << "interrupted: what is done is in " << run.path.string() << "; the same command continues"
                 << std::endl;
    return static_cast<int>(ExitCode::kInterrupted);
  }
  run.store.end_run(run.id, failed == 0 ? "complete" : failed == cells ? "failed" : "incomplete");
  show(run.store, run.id);
  run.messages << "stored in " << run.path.string() << std::endl;
  if (failed == 0) return 0;
  run.messages << failed << " of " << cells
               << " cells failed (see above); the others are stored, and the same command tries again" << std::endl;
  return static_cast<int>(ExitCode::kIncomplete);
}

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

namespace {

// What a dry run can tell without hashing a checkpoint: the store knows under which hash it saw the folder last.
HashOfFolder hashes_of(Store* store) {
  return [store](const Path& folder) { return store ? store->checkpoint_at(folder.string()) : std::string(); };
}

// Everything that can be checked before hours are spent, and what is wrong in one message.
void check_first(const RunRequest& request, const Experiment& experiment, const std::vector<Cell>& cells,
                 const PromptSet* prompts, const Compute& compute, Faults& faults) {
  const Path path = store_path(request, experiment);
  preflight(experiment, cells, path, faults);
  const bool all_there = std::all_of(cells.begin(), cells.end(), [](const Cell& cell) {
    return std::filesystem::is_directory(cell.checkpoint_path);  // a student that is trained first is not
  });
  if (faults.count() == 0 && prompts && all_there) {
    std::optional<Store> store;
    if (std::filesystem::exists(path)) store.emplace(Store::open(path, Store::Mode::kRead));
    Store* const stored = store ? &*store : nullptr;
    const RunMetrics metrics(experiment, {at::Device(at::kMeta), at::kFloat});
    const Plan plan = make_plan(experiment, cells, *prompts, compute, hashes_of(stored));
    check_disk(path, print_dry_run(experiment, plan, metrics, stored, environment_json(compute.device), nullptr),
               faults);
  }
  faults.finish(request.experiment.string());
}

int dry_run(const RunRequest& request, const Experiment& experiment, const std::vector<Cell>& cells, PromptSet prompts,
            const Compute& compute, std::ostream& out, std::ostream& messages) {
  const Path path = store_path(request, experiment);
  std::optional<Store> store;
  if (std::filesystem::exists(path)) store.emplace(Store::open(path, Store::Mode::kRead));
  Store* const stored = store ? &*store : nullptr;
  const Plan plan = make_plan(experiment, cells, std::move(prompts), compute, hashes_of(stored));
  const RunMetrics metrics(experiment, {at::Device(at::kMeta), at::kFloat});
  print_dry_run(experiment, plan, metrics, stored, environment_json(compute.device), &out);
  if (request.calibrate) print_calibration(experiment, plan, compute, stored, out, messages);
  return 0;
}

}  // namespace

int run_experiment(const RunRequest& request, const ShowRun& show, std::ostream& out, std::ostream& messages) {
  Faults faults;
  const Experiment experiment = read_experiment(request.experiment, request.set, request.only, &faults);
  const std::vector<Cell> cells = select(expand(experiment), request.only);
  const Compute compute{parse_device(request.device), parse_dtype(request.dtype)};
  std::optional<PromptSet> prompts;
  if (experiment.prompts.shapes || std::filesystem::is_regular_file(experiment.prompts.file))
    faults.check([&] { prompts = read_captions(experiment, request, messages); });
  check_first(request, experiment, cells, prompts ? &*prompts : nullptr, compute, faults);
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
  if (request.dry_run) return dry_run(request, experiment, cells, std::move(*prompts), compute, out, messages);
  const Plan plan = make_plan(experiment, cells, std::move(*prompts), compute);
  RunMetrics metrics(experiment, compute);
  catch_interrupts();
  RunContext run = begin_run(request, experiment, plan, compute, metrics, messages);
  const std::size_t failed = CellRunner(run).execute();
  return finish(run, failed, show);
}

}  // namespace fewstep
