#include "harness/run/run.h"

#include "core/device.h"
#include "core/error.h"
#include "core/warnings.h"
#include "datasets/pairing.h"
#include "distill/train/train.h"
#include "distill/train/training_progress.h"
#include "harness/generate/plan.h"
#include "harness/generate/run_facts.h"
#include "harness/run/cell_runner.h"
#include "harness/run/dry_run.h"
#include "harness/run/preflight.h"
#include "harness/run/run_context.h"
#include "harness/score/reference_cache.h"
#include "process/environment.h"
#include "process/interrupt.h"
#include "store/read.h"
#include "store/read_samples.h"
#include "store/training.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cstdlib>
#include <ostream>
#include <set>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

Path whole_path(const RunRequest& request, const Experiment& experiment) {
  return request.store.empty() ? Path("results") / (experiment.name + ".sqlite") : request.store;
}

Path store_path(const RunRequest& request, const Experiment& experiment) {
  return shard_store(whole_path(request, experiment), request.shard.value_or(Shard()));
}

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
  const CellKey& key = planned.cell.key;
  run.store.add_checkpoint(key.checkpoint_sha256, key.checkpoint_name, planned.cell.checkpoint.label(),
                           key.checkpoint_kind);
  if (const auto record = read_training_record(planned.cell.checkpoint.folder, key.checkpoint_sha256))
    add_training(run.store, *record);
  work.series = run.store.add_series(key);
  work.batches = missing_batches(run.plan, run.store.finished(work.series, run.metrics.row_ids()), planned.batch);
  if (run.request.inner.score_only) {
    work.lacking = count_images(work.batches);
    work.batches.clear();
  }
  if (!run.experiment.timing || run.request.inner.no_timing || !run.plan.shard.is_whole()) return work;
  for (const int size : run.experiment.timing->batch) {
    const auto stored = timed_repetitions(run.store, work.series, run.environment, size);
    if (run.request.retime || run.request.times_only || stored < run.experiment.timing->repetitions)
      work.timings.push_back(size);
  }
  return work;
}

// Opens the store, reads references, and writes down what is planned.
RunContext begin_run(const RunRequest& request, const Experiment& experiment, const Plan& plan, const Compute& compute,
                     RunMetrics& metrics, std::ostream& messages) {
  const Path path = store_path(request, experiment);
  RunContext run{request, experiment, plan, compute, metrics, messages, path, Store::open(path, Store::Mode::kWrite),
                 0,       0,          {}};
  metrics.read_references(experiment, references_folder(run.beside_store(".references")),
                          request.verify ? KnownFolders::kVerify : KnownFolders::kTake, messages);
  metrics.add_to(run.store);
  run.store.add_prompts(plan.prompts.source, plan.rows, plan.texts);
  run.environment = run.store.add_environment(environment_json(compute.device));
  for (const PlannedCell& planned : plan.cells) run.work.push_back(work_of(run, planned));
  run.id = run.store.begin_run(run.store.add_config(experiment.canonical_json), run.environment, experiment.name);
  for (std::size_t i = 0; i < run.work.size(); ++i) run.set_cell(i, CellState::kPlanned);
  const CutCaptions cut = cut_captions(plan);
  if (cut.count > 0) messages << text_of(cut, plan.rows[cut.longest]) << std::endl;
  for (const auto& [name, text] : run_facts(request, experiment, plan, cut)) run.store.set_fact(run.id, name, text);
  if (plan.shard.is_whole()) metrics.add_floors(experiment, run.store, run.id, plan.images_per_cell(), messages);
  return run;
}

// Beside the kept images, so that they can be scored, trained on and looked at elsewhere.
void write_kept_captions(RunContext& run) {
  if (run.experiment.keep_images == 0) return;
  const Path folder = run.beside_store(".images");
  std::vector<CaptionRow> rows;
  for (KeptImage& image : kept_images(run.store)) {
    Path file = Path(image.image_path).filename();
    if (!std::filesystem::exists(folder / file)) continue;  // removed since
    rows.push_back({file.string(), std::move(image.text), image.prompt_row, std::move(image.cell)});
  }
  if (!rows.empty()) write_captions(folder, rows);
}

// A shard of more parts than there are batches makes nothing.
void tell_empty_shard(const Plan& plan, std::ostream& messages) {
  std::int64_t most = 0, own = 0;
  for (const PlannedCell& cell : plan.cells) {
    const std::int64_t batches = (plan.images_per_cell() + cell.batch - 1) / cell.batch;
    most = std::max(most, batches);
    for (std::int64_t i = 0; i < batches; ++i) own += plan.shard.has(i);
  }
  if (own == 0)
    messages << "shard " << text_of(plan.shard) << " makes no image: a cell has " << most
             << (most == 1 ? " batch" : " batches") << "; a smaller --batch makes more" << std::endl;
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
  const bool is_part = !run.plan.shard.is_whole();
  const auto lacking = std::count_if(run.work.begin(), run.work.end(), [](auto& work) { return work.lacking > 0; });
  run.store.end_run(run.id, failed == cells                        ? "failed"
                            : failed > 0 || lacking > 0 || is_part ? "incomplete"
                                                                   : "complete");
  const auto repeated = run.store.drop_repeated_run(run.id);
  if (!is_part) show(run.store, repeated.value_or(run.id));
  if (!run.request.inner.scratch)
    run.messages << (repeated ? "nothing new to compute: " : "stored in ") << run.path.string() << std::endl;
  if (is_part && failed == 0 && !run.request.inner.scratch)
    run.messages << "shard " << text_of(run.plan.shard) << " is done; when all are: fewstep merge "
                 << any_shard_store(whole_path(run.request, run.experiment), run.plan.shard).string() << std::endl;
  if (lacking > 0) {
    run.messages << lacking << " of " << cells << " cells lack images: run and merge the missing shards too, or "
                 << "fewstep run " << run.request.experiment.string() << " --store " << run.path.string() << std::endl;
    return static_cast<int>(ExitCode::kIncomplete);
  }
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
      if (checkpoint.name == cell.key.checkpoint_name && checkpoint.training) used.insert(*checkpoint.training);
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

Plan plan_of(const RunRequest& request, const Experiment& experiment, const std::vector<Cell>& cells, PromptSet prompts,
             const Compute& compute, const KnownHash& hash_of = {}) {
  Plan plan = make_plan(experiment, cells, std::move(prompts), compute, hash_of);
  if (request.shard) plan.shard = *request.shard;
  if (!request.inner.made_on.empty())
    for (PlannedCell& planned : plan.cells) planned.cell.key.device_kind = request.inner.made_on;
  for (PlannedCell& planned : plan.cells)
    planned.batch = request.batch > 0 ? request.batch : default_batch(planned.size, compute.device.is_cuda());
  return plan;
}

// What a run is made of, before anything is computed.
struct Prepared {
  Experiment experiment;
  std::vector<Cell> cells;
  Compute compute;
  std::optional<PromptSet> prompts;  // nothing where their file is not there
};

// The plan of a run without hashing or loading anything: the store knows under which hash it saw a folder last. Returns
// the bytes that the store will take; prints the plan of a dry run where out is given.
double look_ahead(const RunRequest& request, const Prepared& prepared, std::ostream* out, std::ostream& messages) {
  const Path path = store_path(request, prepared.experiment);
  std::optional<Store> store;
  if (Store::is_there(path)) store.emplace(Store::open(path, Store::Mode::kRead));
  Store* const stored = store ? &*store : nullptr;
  const Plan plan =
      plan_of(request, prepared.experiment, prepared.cells, *prepared.prompts, prepared.compute,
              [&](const CheckpointRef& one) { return stored ? stored->checkpoint_at(one.label()) : std::string(); });
  const RunMetrics metrics(prepared.experiment, {at::Device(at::kMeta), at::kFloat});
  const double bytes = print_dry_run(prepared.experiment, plan, metrics, stored,
                                     environment_json(prepared.compute.device), !request.no_sharing, out);
  if (out && request.calibrate)
    print_calibration(request, prepared.experiment, plan, prepared.compute, stored, *out, messages);
  return bytes;
}

void refuse_float32_beside_tf32(const Experiment& experiment, const Compute& compute) {
  if (compute.dtype == at::kFloat && !experiment.metrics.empty() && is_tf32(experiment.metrics.front().protocol))
    throw usage_error(
        "--metric-precision",
        "expected images in bfloat16 or float16 beside metrics in TF32, which would change float32 images "
        "too; give --dtype, or measure kept images with fewstep score");
}

// Reads and checks everything; throws all faults at once.
Prepared prepare(const RunRequest& request, std::ostream& messages) {
  Faults faults;
  Prepared prepared{read_experiment(request.experiment, request.set, request.only, &faults, trained_folder(request)),
                    {},
                    {parse_device(request.device), parse_dtype(request.dtype)},
                    {}};
  Experiment& experiment = prepared.experiment;
  if (request.times_only) {
    if (!experiment.timing) faults.add(usage_error(request.experiment.string(), "expected [timing], found none"));
    experiment.metrics.clear();
    experiment.floor = false;
  }
  prepared.cells = select(expand(experiment), request.only);
  const at::Device device = prepared.compute.device;
  experiment.metrics = in_precision(std::move(experiment.metrics), request.metric_precision, device);
  refuse_float32_beside_tf32(experiment, prepared.compute);
  if (experiment.prompts.shapes || std::filesystem::is_regular_file(experiment.prompts.file))
    faults.check([&] { prepared.prompts = read_captions(experiment, request, messages); });
  preflight(experiment, prepared.cells, store_path(request, experiment), faults);
  const bool all_there = std::all_of(prepared.cells.begin(), prepared.cells.end(), [](const Cell& cell) {
    return std::filesystem::is_directory(cell.checkpoint.folder);  // a student that is trained first is not
  });
  if (faults.count() == 0 && all_there) {
    const double bytes = look_ahead(request, prepared, nullptr, messages);
    if (const std::int64_t free = free_memory(device); device.is_cpu() && bytes > 0 && free > 0)
      check_memory(prepared.cells, free, faults);
    check_disk(store_path(request, experiment), bytes, faults);
  }
  faults.finish(request.experiment.string());
  return prepared;
}

// Returns false where a signal came.
bool train_all(const std::vector<Recipe>& recipes, const at::Device& device, std::ostream& messages) {
  catch_interrupts();
  for (const Recipe& recipe : recipes) {
    if (train_recipe(recipe, device, false, messages)) continue;
    messages << "interrupted: what is done is kept; the same command continues" << std::endl;
    return false;
  }
  return true;
}

int execute(const RunRequest& request, Prepared& prepared, const ShowRun& show, std::ostream& messages) {
  const Plan plan =
      plan_of(request, prepared.experiment, prepared.cells, *std::move(prepared.prompts), prepared.compute);
  RunMetrics metrics(prepared.experiment, prepared.compute);
  catch_interrupts();
  tell_empty_shard(plan, messages);
  RunContext run = begin_run(request, prepared.experiment, plan, prepared.compute, metrics, messages);
  const std::size_t failed = run_cells(run);
  return finish(run, failed, show);
}

}  // namespace

RunRequest as_launched(const RunRequest& given, std::ostream& messages) {
  RunRequest request = given;
  if (request.shard || request.inner.score_only || request.times_only) return request;
  const auto found = launched([](const char* name) { return std::getenv(name); });
  if (!found) return request;
  request.shard = found->shard;
  if (request.device == "auto") request.device = local_device(found->local.value_or(0));
  const std::string what =
      "shard " + text_of(found->shard) + ", from " + found->variables + " (--shard 1/1 makes all of it here)";
  if (found->is_step) {
    messages << what << std::endl;
  } else {
    warn("Slurm", what + "; srun, which starts the other shards, did not start this process");
  }
  return request;
}

int run_experiment(const RunRequest& request, const ShowRun& show, std::ostream& out, std::ostream& messages) {
  Prepared prepared = prepare(request, messages);
  if (const auto recipes = trainings_of(prepared.experiment, prepared.cells); !recipes.empty()) {
    if (request.dry_run) return print_training_plan(recipes, prepared.cells, out);
    if (!train_all(recipes, prepared.compute.device, messages)) return static_cast<int>(ExitCode::kInterrupted);
  }
  const c10::InferenceMode inference;
  if (request.dry_run) {
    look_ahead(request, prepared, &out, messages);
    return 0;
  }
  return execute(request, prepared, show, messages);
}

}  // namespace fewstep
