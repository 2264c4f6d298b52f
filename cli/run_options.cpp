#include "cli/commands.h"
#include "cli/options.h"
#include "core/error.h"
#include "core/shard.h"
#include "store/sqlite_magic.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace fewstep {
namespace {

bool is_store(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string begin(kSqliteMagic.size(), '\0');
  return file.read(begin.data(), static_cast<std::streamsize>(begin.size())) && begin == kSqliteMagic;
}

// Other tools' experiments.
bool is_other_text(const std::filesystem::path& path) {
  std::error_code ignored;
  const auto ending = path.extension();
  return (ending == ".yaml" || ending == ".yml" || ending == ".json") && !std::filesystem::is_directory(path, ignored);
}

// One that is no folder is an experiment file.
void take_experiment(const std::vector<std::filesystem::path>& given, RunRequest& request) {
  const auto is_file = [](const std::filesystem::path& path) { return path.extension() == ".toml"; };
  if (given.size() > 1 && std::any_of(given.begin(), given.end(), is_file))
    throw usage_error(
        "run", "expected one experiment file or checkpoints, got " + given[0].string() + " and " + given[1].string());
  std::error_code ignored;
  if (given.size() == 1 && is_store(given[0]))
    throw usage_error("run", "expected an experiment file or checkpoints, got the store " + given[0].string() +
                                 "; use fewstep report " + given[0].string());
  if (given.size() == 1 && is_other_text(given[0]))
    throw usage_error("run", "expected an experiment file (.toml) or checkpoints, got " + given[0].string() +
                                 (std::filesystem::exists(given[0], ignored) ? "" : ", which is not there") +
                                 "; experiments/schema.md describes the file");
  const bool file = given.size() == 1 && !std::filesystem::is_directory(given[0], ignored) &&
                    (is_file(given[0]) || std::filesystem::exists(given[0], ignored));
  if (file)
    request.experiment = given[0];
  else
    request.short_run.checkpoints = given;
}

void check(const RunRequest& request) {
  const ShortRun& given = request.short_run;
  const bool says = !given.prompts.empty() || !given.reference.empty() || !given.steps.empty() || given.guidance ||
                    !given.networks.empty() || given.keep != ShortRun().keep;
  if (given.checkpoints.empty() && says)
    throw usage_error(
        "run", "expected --prompts, --reference, --steps, guidance and networks beside checkpoints, got them beside " +
                   request.experiment.string() + ", which says them itself; --set changes a key");
  if (!given.checkpoints.empty() && given.prompts.empty())
    throw usage_error("run", "expected --prompts FILE (or --prompts shapes) beside checkpoints, got none");
  if (!given.checkpoints.empty() && !request.set.empty())
    throw usage_error("--set", "expected an experiment file, got checkpoints; fewstep init writes the file");
}

// The options of settings/run_options.h.
void add_made_by(CLI::App& app, RunOptions& options, const std::string& examples) {
  add_set(app, options.set, examples);
  add_only(app, options.only);
  add_limit(app, options.limit);
  add_compute(app, {options.device, &options.dtype, options.batch}, "images at a time [chosen by their size]");
  add_metric_precision(app, options.metric_precision);
  app.add_flag("--no-sharing", options.no_sharing,
               "compute every cell on its own; else equal evaluations are computed once, with equal results");
}

}  // namespace

void add_run(CLI::App& app, RunRequest& request) {
  app.add_option_function<std::vector<std::filesystem::path>>(
         "EXPERIMENT", [&request](const std::vector<std::filesystem::path>& given) { take_experiment(given, request); },
         "experiment file (.toml; experiments/schema.md tells its keys), or checkpoints, with --prompts")
      ->required();
  add_short_run(app, request.short_run);
  app.final_callback([&request] { check(request); });
  app.option_defaults()->group("Options");
  app.add_option("--store", request.store, "SQLite file for results [results/NAME.sqlite]")->type_name("FILE");
  add_made_by(app, request, "grid.steps=[4], checkpoint.lcm.path=my-lcm");
  auto* dry =
      app.add_flag("--dry-run", request.dry_run, "check everything and print the plan: cells, images, bytes, time");
  app.add_flag("--calibrate", request.calibrate, "of a dry run: two batches of each checkpoint tell time and memory")
      ->needs(dry);
  add_verify(app, request.verify);
  app.add_option_function<std::string>(
         "--shard", [&request](const std::string& text) { request.shard = parse_shard(text); },
         "the I-th of N parts of the images, into NAME.I-of-N.sqlite; fewstep merge joins them [as torchrun, Slurm or "
         "MPI "
         "number this process]")
      ->type_name("I/N");
  app.add_flag("--retime", request.retime, "time cells again that are timed already");
  app.add_flag("--times-only", request.times_only, "time whole cells once more and do nothing else")->excludes(dry);
  add_progress(app);
  app.footer(
      "Example:\n  fewstep run experiments/pocket.toml --only 'sampler=lcm steps=4' --limit 100\n"
      "  fewstep run my-lcm teacher --prompts captions.tsv --reference laion-512.npz\n"
      "Run it again to resume: only missing images are computed. Ctrl-C stops after the batch.\n");
}

void add_demo(CLI::App& app, DemoRequest& request) {
  app.add_option("--store", request.store, "SQLite file for results; the page is beside it")
      ->type_name("FILE")
      ->capture_default_str();
  add_limit(app, request.limit);
  add_device(app, request.device);
  add_progress(app);
  app.footer(
      "Example:\n  fewstep demo\n"
      "The same as fewstep run experiments/pocket.toml, with a page at the end. Run it again to resume.\n");
}

void add_watch(CLI::App& app, WatchRequest& request) {
  app.add_option("FOLDER", request.folder, "where a training drops checkpoints, a folder each")
      ->required()
      ->check(CLI::ExistingDirectory);
  app.add_option("--experiment", request.experiment,
                 "experiment file; its first [[checkpoint]] stands for each of the folder")
      ->type_name("FILE")
      ->required();
  app.add_option("--store", request.store, "SQLite file for results [results/NAME.sqlite]")->type_name("FILE");
  app.add_option("--baseline", request.baseline, "a checkpoint of the folder, or STORE#… [the oldest]")
      ->type_name("NAME");
  app.add_option("--gate", request.gate, "margins of the verdicts [the defaults]")->type_name("GATE.toml");
  app.add_option("--until", request.until, "end when so many are scored [runs until Ctrl-C]")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}));
  app.add_option("--interval", request.interval, "seconds between two looks; a checkpoint must rest as long")
      ->check(CLI::Range(0.1, 86400.0))
      ->type_name("S")
      ->capture_default_str();
  add_made_by(app, request, "grid.steps=[4]");
  add_progress(app);
  app.footer(
      "Example:\n  fewstep watch checkpoints/ --experiment regression.toml\n"
      "One that is half-written is waited for. Ctrl-C ends it; the same command goes on, with the same baseline.\n");
}

void add_merge(CLI::App& app, MergeRequest& request) {
  app.add_option("STORE", request.stores, "stores of shards, or of parts of one experiment")
      ->required()
      ->type_name("FILE");
  app.add_option("-o,--output", request.output, "the store that takes them [NAME.sqlite of NAME.1-of-3.sqlite]")
      ->type_name("FILE");
  app.add_flag("--mixed", request.mixed,
               "take images of different machines, which equal each other within rounding only");
  add_progress(app);
  app.footer(
      "Example:\n  fewstep merge results/table1.*-of-4.sqlite\n"
      "Run it again at no cost, also while shards are missing: what is whole is scored. Times are taken by the next\n"
      "fewstep run on the merged store.\n");
}

void add_audit(CLI::App& app, AuditRequest& request) {
  app.add_option("STORE", request.store, "store of a run")->required();
  app.add_option("--images", request.images, "of each cell, about, made again in the batches that made them")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--seed", request.seed, "which ones")->type_name("N")->capture_default_str();
  add_device(app, request.device);
  add_progress(app);
  app.footer(
      "Example:\n  fewstep audit results/pocket.sqlite\n"
      "Features and pictures have to have the content of their hashes, scores to follow from stored rows, and images\n"
      "to come out as they are stored. Nothing is written into the store; a difference is an error (exit code 3).\n");
}

void add_distill(CLI::App& app, DistillRequest& request) {
  app.add_option("RECIPE", request.recipe, "recipe file (.toml); experiments/recipes.md tells its keys")->required();
  add_set(app, request.set, "lcd.skip_step=50, train.steps=100");
  add_device(app, request.device);
  app.add_flag("--dry-run", request.dry_run, "print steps, images and network evaluations");
  app.add_flag("--again", request.again, "train anew what is trained already");
  add_progress(app);
  app.footer(
      "Example:\n  fewstep distill pocket/recipes/lcm.toml\n"
      "Run it again to go on after an interruption, with the same numbers as without one.\n");
}

void add_init(CLI::App& app, InitRequest& request) {
  app.add_option("CHECKPOINT", request.short_run.checkpoints, "folders in diffusers layout")->required();
  add_short_run(app, request.short_run);
  app.option_defaults()->group("Options");
  app.add_option("-o,--output", request.output, "the experiment file [NAME.toml]")->type_name("FILE");
  app.add_flag("--force", request.force, "write over a file that is there");
  app.footer("Example:\n  fewstep init my-lcm stable-diffusion-v1-5 --prompts captions.tsv\n");
}

}  // namespace fewstep
