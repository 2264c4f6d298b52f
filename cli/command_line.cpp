#include "cli/command_line.h"

#include "cli/completion.h"
#include "cli/typed.h"
#include "core/device_name.h"
#include "core/dtype.h"
#include "core/error.h"
#include "core/messages.h"
#include "core/names.h"
#include "datasets/caption_formats.h"
#include "metrics/catalog.h"
#include "reports/ablation.h"
#include "reports/printers.h"
#include "samplers/catalog.h"
#include "verdicts/printers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <ostream>
#include <utility>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

constexpr const char* kExitCodes =
    "Exit codes: 0 success, 2 command line or experiment file, 3 input file, 4 device, memory or disk,\n"
    "10 regression, 11 inconclusive, 12 not comparable (compare, gate),\n"
    "13 incomplete (a cell failed), 75 interrupted: the same command continues.";

std::string check_device(const std::string& text) {
  return read_device_name(text) ? "" : "expected auto, cpu or cuda:N, got " + text;
}

std::vector<std::string> texts(std::span<const std::string_view> names) { return {names.begin(), names.end()}; }

void add_device(CLI::App& app, std::string& device) {
  app.add_option("--device", device, "auto (CUDA where it works), cpu or cuda:N")
      ->type_name("DEVICE")
      ->transform(our_device)
      ->check(check_device)
      ->capture_default_str();
}

struct Compute {
  std::string& device;
  std::string* dtype;
  int& batch;
};

void add_compute(CLI::App& app, Compute to, const char* batch_text) {
  add_device(app, to.device);
  if (to.dtype) {
    app.add_option("--dtype", *to.dtype, "of the networks; metric networks run in float32")
        ->transform(our_dtype)
        ->check(CLI::IsMember(texts(kDtypes)))
        ->capture_default_str();
  }
  app.add_option("--batch", to.batch, batch_text)->check(CLI::Range(1, 4096))->type_name("N");
}

void add_metric_precision(CLI::App& app, std::string& precision) {
  app.add_option("--metric-precision", precision,
                 "of metric networks; tf32, on CUDA, makes protocols of its own (+tf32)")
      ->check(CLI::IsMember(texts(kMetricPrecisions)))
      ->capture_default_str();
}

void add_set(CLI::App& app, std::vector<std::string>& set, const std::string& examples) {
  app.add_option("--set", set, "replace a setting: " + examples + " (repeatable)")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

// What every command has that may take long.
void add_progress(CLI::App& app) {
  app.option_defaults()->group("Options");
  auto* quiet = app.add_flag_callback(
      "-q,--quiet", [] { set_message_style(MessageStyle::kQuiet); }, "say nothing but warnings and errors");
  app.add_option_function<std::string>(
         "--progress",
         [](const std::string& style) {
           set_message_style(style == "json" ? MessageStyle::kJson : MessageStyle::kLines);
         },
         "how to say how far it is: lines, or json, an object a line")
      ->check(CLI::IsMember({"lines", "json"}))
      ->excludes(quiet);
}

void add_limit(CLI::App& app, std::optional<std::int64_t>& limit) {
  app.add_option("--limit", limit, "the first N prompts alone")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000}));
}

// Adds an option for the network of each metric; what makes its help text.
void add_networks(CLI::App& app, Networks& networks, bool (*takes)(const MetricInfo&),
                  std::string (*what)(const MetricInfo&)) {
  for (const MetricInfo& metric : kMetrics) {
    if (metric.rows_of != metric.name || !takes(metric)) continue;
    app.add_option_function<std::string>(
           std::string(metric.network.option),
           [&networks, &metric](const std::string& path) { networks[std::string(metric.name)] = path; }, what(metric))
        ->type_name(metric.network.is_folder ? "DIR" : "FILE");
  }
}

// --omega and --guidance-scale, of which one may be given.
template <typename To>  // Guidance, or an optional one
std::pair<CLI::Option*, CLI::Option*> add_guidance(CLI::App& app, To& guidance, const std::string& what) {
  auto* omega = app.add_option_function<double>(
      "--omega",
      [&guidance](const double& value) {
        guidance = Guidance{value, false};
      },
      "guidance " + what);
  omega->check(CLI::Range(-1.0, 999.0))->type_name("W");
  auto* scale = app.add_option_function<double>(
      "--guidance-scale",
      [&guidance](const double& value) {
        guidance = Guidance{value - 1, true};
      },
      "the same knob: 1 + omega");
  scale->check(CLI::Range(0.0, 1000.0))->type_name("S")->excludes(omega);
  return {omega, scale};
}

std::string network_text(const MetricInfo& metric) {
  return std::string(metric.network.noun) + " for " + std::string(metric.name) +
         (metric.network.is_folder ? "" : " (.safetensors)");
}

// What a run of checkpoints says instead of a file.
void add_short_run(CLI::App& app, ShortRun& to) {
  app.option_defaults()->group("Instead of an experiment file");
  app.add_option("-p,--prompts", to.prompts,
                 fmt::format("captions ({}), or shapes", fmt::join(kCaptionExtensions, " ")))
      ->type_name("FILE");
  app.add_option("--reference", to.reference, "folder of images or statistics (.npz), for FID")->type_name("PATH");
  app.add_option("--steps", to.steps, "of each sampler [1,2,4,8]")
      ->delimiter(',')
      ->check(CLI::Range(1, 1000))
      ->type_name("N,…");
  add_guidance(app, to.guidance, "for all [what a student was trained for, else 8]");
  add_networks(
      app, to.networks, [](const MetricInfo&) { return true; }, network_text);
}

// One that is no folder is an experiment file.
void take_experiment(const std::vector<Path>& given, RunRequest& request) {
  const auto is_file = [](const Path& path) { return path.extension() == ".toml"; };
  if (given.size() > 1 && std::any_of(given.begin(), given.end(), is_file))
    throw usage_error(
        "run", "expected one experiment file or checkpoints, got " + given[0].string() + " and " + given[1].string());
  std::error_code ignored;
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
                    !given.networks.empty();
  if (given.checkpoints.empty() && says)
    throw usage_error(
        "run", "expected --prompts, --reference, --steps, guidance and networks beside checkpoints, got them beside " +
                   request.experiment.string() + ", which says them itself; --set changes a key");
  if (!given.checkpoints.empty() && given.prompts.empty())
    throw usage_error("run", "expected --prompts FILE (or --prompts shapes) beside checkpoints, got none");
  if (!given.checkpoints.empty() && !request.set.empty())
    throw usage_error("--set", "expected an experiment file, got checkpoints; fewstep init writes the file");
}

void add_run(CLI::App& app, RunRequest& request) {
  app.add_option_function<std::vector<Path>>(
         "EXPERIMENT", [&request](const std::vector<Path>& given) { take_experiment(given, request); },
         "experiment file (.toml; experiments/schema.md tells its keys), or checkpoints, with --prompts")
      ->required();
  add_short_run(app, request.short_run);
  app.final_callback([&request] { check(request); });
  app.option_defaults()->group("Options");
  app.add_option("--store", request.store, "SQLite file for results [results/NAME.sqlite]")->type_name("FILE");
  add_set(app, request.set, "grid.steps=[4], checkpoint.lcm.path=my-lcm");
  app.add_option("--only", request.only, "cells that match: 'sampler=lcm steps=4,8'")->type_name("CLAUSES");
  add_limit(app, request.limit);
  add_compute(app, {request.device, &request.dtype, request.batch}, "images at a time [chosen by their size]");
  add_metric_precision(app, request.metric_precision);
  auto* dry =
      app.add_flag("--dry-run", request.dry_run, "check everything and print the plan: cells, images, bytes, time");
  app.add_flag("--calibrate", request.calibrate, "of a dry run: two batches of each checkpoint tell time and memory")
      ->needs(dry);
  app.add_flag("--no-sharing", request.no_sharing,
               "compute every cell on its own; else equal evaluations are computed once, with equal results");
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

void check(const SampleRequest& request) {
  if (request.guidance && std::isnan(request.guidance->omega))  // which CLI11 finds in every range
    throw usage_error("sample", "expected a number as guidance, got nan");
  if (!request.prompt && !request.prompts) throw usage_error("sample", "expected a caption, or --prompts FILE");
  if (request.row && !request.prompts) throw usage_error("--row", "expected --prompts FILE, whose row it is");
  if (request.sampler.empty()) {
    if (request.spacing || request.original_steps > 0)
      throw usage_error("sample", "expected --sampler beside --spacing and --original-steps");
    return;
  }
  const SamplerInfo& sampler = find_by_name(kSamplers, request.sampler, "--sampler");
  const bool consistency = sampler.kind == CheckpointKind::kConsistency;
  if (request.original_steps > 0 && !consistency)
    throw usage_error("--original-steps", "expected it with lcm alone, got it with " + request.sampler);
  if (!request.spacing) return;
  // A sampler that takes none of the spacings has trailing times.
  const bool fits = is_lcm(*request.spacing)
                        ? consistency
                        : sampler.takes_spacing || (!consistency && *request.spacing == Spacing::kTrailing);
  if (!fits)
    throw usage_error("--spacing",
                      "expected one that " + request.sampler + " takes, got " + std::string(name_of(*request.spacing)));
}

void add_grid(CLI::App& app, SampleRequest& request) {
  app.add_option_function<std::string>(
         "--spacing", [&request](const std::string& name) { request.spacing = parse_spacing(name); },
         "times: trailing (default), leading, linspace; for lcm: lcm (default), lcm-original")
      ->check(CLI::IsMember(texts(kSpacings)));
  app.add_option_function<std::string>(
         "--final-sigma", [&request](const std::string& name) { request.final_sigma = parse_final_sigma(name); },
         "end at x0 (zero) or at the smallest training noise (min)")
      ->check(CLI::IsMember(texts(kFinalSigmas)))
      ->default_str(std::string(name_of(request.final_sigma)));
  app.add_option("--original-steps", request.original_steps,
                 "lcm: points of the grid that times are taken from [the checkpoint's own, 1000/k of its skip step k]")
      ->check(CLI::Range(1, 1000))
      ->type_name("N");
}

void add_sample(CLI::App& app, SampleRequest& request) {
  app.add_option("CHECKPOINT,--checkpoint", request.checkpoint, "folder in diffusers layout")->required();
  auto* prompt = app.add_option("PROMPT,--prompt", request.prompt, "one caption");
  app.final_callback([&request] { check(request); });
  app.option_defaults()->group("Sampling (else by what the checkpoint is and was trained for)");
  app.add_option("--sampler", request.sampler, "how to sample")->check(CLI::IsMember(texts(names_of(kSamplers))));
  app.add_option("--steps", request.steps, "network evaluations")->check(CLI::Range(1, 1000))->type_name("N");
  add_guidance(app, request.guidance, "as the LCM paper counts it; 0: none");
  add_grid(app, request);
  app.option_defaults()->group("Options");
  app.add_option("-p,--prompts", request.prompts,
                 fmt::format("captions, an image each ({})", fmt::join(kCaptionExtensions, " ")))
      ->type_name("FILE")
      ->excludes(prompt);
  app.add_option("--row", request.row, "of --prompts: the image of that row alone, as a run of this seed makes it")
      ->type_name("N");
  app.add_option("--negative-prompt", request.negative_prompt, "what guidance leads away from")->type_name("TEXT");
  app.add_option("--seed", request.seed, "of the noise, with the caption's row")
      ->check(CLI::Range(std::uint64_t{0}, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())))
      ->type_name("K")
      ->capture_default_str();
  app.add_option("-o,--output", request.output, "folder for 00000.png, 00001.png … [samples/NAME]")->type_name("DIR");
  app.add_flag("--contact-sheet", request.contact_sheet, "the first 256 images as one, OUTPUT.png");
  app.add_flag("--force", request.force, "write over images that are there");
  app.add_option("--latents", request.latents,
                 "start from given noise: a .safetensors with latents [B,4,h,w], and noise [N-1,B,4,h,w] for lcm")
      ->type_name("FILE");
  app.add_option("--save-latents", request.save_latents,
                 "write final latents and float images [B,3,H,W] in -1..1 as .safetensors")
      ->type_name("FILE");
  add_compute(app, {request.device, &request.dtype, request.batch}, "images at a time [chosen by their size]");
  add_progress(app);
  app.footer(
      "Example:\n  fewstep sample my-lcm 'a red boat'\n"
      "  fewstep sample my-lcm --prompts captions.tsv --steps 2 --omega 7 -o out --contact-sheet\n");
}

void add_left_out(CLI::App& app, double& most) {
  app.add_option("--max-left-out", most,
                 "part of the images that may be broken [0.01]; they are left out, and the result is flagged")
      ->type_name("X")
      ->check(CLI::Range(0.0, 1.0));
  app.add_flag_callback(
      "--skip-broken", [&most] { most = 1; }, "the same as --max-left-out 1");
}

void add_score(CLI::App& app, ScoreRequest& request) {
  app.add_option("IMAGES,--images", request.images, "folder of images")->required();
  app.add_option("REFERENCE,--reference", request.reference, "folder of images or statistics (.npz)");
  app.add_option(
         "-m,--metric", request.metrics,
         fmt::format("NAME or NAME:PROTOCOL, by commas or repeated [fid of a reference, clip-score of captions]: {}",
                     fmt::join(names_of(kMetrics), ", ")))
      ->type_name("NAME")
      ->expected(1)
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  add_networks(
      app, request.networks, [](const MetricInfo&) { return true; }, network_text);
  app.add_option("-p,--prompts", request.prompts,
                 "captions: a table that names the files, else one each in the order of the numbers in their names")
      ->type_name("FILE");
  app.add_flag("--assume-protocol", request.assume_protocol, "take statistics that do not name their protocol");
  add_left_out(app, request.max_left_out);
  app.add_flag("--json", request.json, "print JSON");
  auto* store =
      app.add_option("--store", request.store, "keep images' numbers and scores as an arm for fewstep compare")
          ->type_name("FILE");
  app.add_option("--name", request.name, "of the arm [the folder's name]")->needs(store);
  app.add_option("--sampler", request.sampler, "that made the images, for tables and to match cells")->needs(store);
  app.add_option("--steps", request.steps, "that made them")->check(CLI::Range(1, 1000))->type_name("N")->needs(store);
  add_guidance(app, request.guidance, "that made them").first->needs(store);
  add_compute(app, {request.device, nullptr, request.batch}, "images at a time [16]");
  add_metric_precision(app, request.metric_precision);
  add_progress(app);
  app.footer(
      "Example:\n  fewstep score out coco.npz --inception inception.safetensors\n"
      "  fewstep score out coco.npz --prompts captions.txt --metric fid,clip-score\n");
}

void add_stats(CLI::App& app, StatsRequest& request) {
  app.add_option("IMAGES", request.images, "folder of images")->required();
  app.add_option("-o,--output", request.output, "statistics (.npz)")->type_name("FILE")->required();
  app.add_option("--protocol", request.protocol, "of fid [pytorch-fid]")->type_name("NAME");
  add_networks(
      app, request.networks, [](const MetricInfo& metric) { return metric.needs_reference; },
      [](const MetricInfo& metric) {
        return metric.network.is_folder ? "statistics for " + std::string(metric.name) + ", in this network's features"
                                        : network_text(metric);
      });
  app.add_option("--resolution", request.resolution, "resize to N x N first")->type_name("N");
  app.add_option("--crop", request.crop, "none, or center: the middle square")
      ->check(CLI::IsMember({"none", "center"}))
      ->capture_default_str();
  add_left_out(app, request.max_left_out);
  add_compute(app, {request.device, nullptr, request.batch}, "images at a time [16]");
  add_metric_precision(app, request.metric_precision);
  add_progress(app);
  app.footer("Example:\n  fewstep stats laion-512/ -o laion-512.npz --inception inception.safetensors\n");
}

void add_report(CLI::App& app, ReportRequest& request) {
  app.add_option("STORE", request.store, "SQLite file of fewstep run; STORE#3 is its run 3, STORE#lcm one checkpoint")
      ->required();
  app.add_option("MORE", request.more_stores, "more of them, side by side")->type_name("STORE");
  app.add_option("--format", request.format, "how to print it")
      ->check(CLI::IsMember(texts(kPrinterNames)))
      ->capture_default_str();
  app.add_option("-o,--output", request.output, "a file instead of standard output")->type_name("FILE");
  app.option_defaults()->group("What is shown");
  app.add_option("--only", request.only, "cells that match: 'sampler=lcm steps=4,8'")->type_name("CLAUSES");
  app.add_option("-m,--metric", request.metrics, "these alone: fid, clip-score …, forwards, ms")
      ->delimiter(',')
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("NAME,…");
  app.add_option("--rows", request.rows, "axes of the rows [checkpoint,sampler,omega]")->type_name("AXES");
  app.add_option("--columns", request.columns,
                 "axes of the columns [steps]; metric,steps makes one table of all metrics")
      ->type_name("AXES");
  app.add_option("--grid-prompts", request.grid_prompts, "html: prompts in the image grid, where images were kept")
      ->type_name("N")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  auto* remake = app.add_flag("--remake-pictures", request.remake_pictures,
                              "make the pictures of single prompts that a page shows and that were not kept");
  app.add_option("--history", request.history, "instead: a metric over the checkpoints of one store or several")
      ->type_name("METRIC")
      ->excludes(remake);
  app.add_option("--ablation", request.ablation, "instead: every metric over one setting")
      ->check(CLI::IsMember(texts(kAblationAxisNames)));
  app.add_option("--published", request.published, "numbers of a paper beside: a name of results/published, or a file")
      ->type_name("NAME");
  app.add_option("--figure", request.figure, "svg, png: which one")->type_name("N")->capture_default_str();
  app.add_option("--run", request.run, "one run of the store [the latest]")->type_name("ID");
  app.footer(
      "Example:\n  fewstep report results/pocket-demo.sqlite --format markdown\n"
      "  fewstep report results/pocket-demo.sqlite --format html -o pocket.html\n"
      "  fewstep report results/pocket-demo.sqlite --format latex --columns metric,steps -o table.tex\n");
}

void add_comparison(CLI::App& app, CompareRequest& request) {
  app.add_option("BASELINE", request.baseline,
                 "STORE, STORE#RUN or STORE#CHECKPOINT; of several seeds one each, by commas")
      ->required();
  app.add_option("CANDIDATE", request.candidate, "the same; what is judged")->required();
  app.add_option("--only", request.only, "cells that match: 'sampler=lcm steps=4,8'")->type_name("CLAUSES");
  app.add_option("--format", request.format, "how to print it")
      ->check(CLI::IsMember(texts(kVerdictPrinterNames)))
      ->capture_default_str();
  app.add_option("-o,--output", request.outputs,
                 "a file beside, in the format of its ending: .md .json .xml (JUnit) .html .txt (repeatable)")
      ->type_name("FILE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_flag("--unequal-noise", request.unequal_noise, "compare arms whose initial latents differ");
  app.add_flag("--retime", request.retime, "measure times of both in turn first, in processes of their own");
  app.add_option("--processes", request.processes, "of each arm that --retime starts")
      ->check(CLI::Range(5, 1000))
      ->type_name("N")
      ->capture_default_str();
  app.add_flag("--remake-pictures", request.remake_pictures, "make the pictures of a page that were not kept");
  add_progress(app);
}

constexpr const char* kVerdictCodes =
    "Exit codes: 0 pass, 10 regression, 11 inconclusive, 12 not comparable, 13 incomplete; of several the first of\n"
    "13, 12, 10, 11.\n";

void add_compare(CLI::App& app, CompareRequest& request) {
  add_comparison(app, request);
  app.footer(std::string("Example:\n  fewstep compare results/main.sqlite results/new.sqlite -o verdict.html\n"
                         "  fewstep compare results/all.sqlite#lcm results/all.sqlite#lcm-k100\n") +
             kVerdictCodes);
}

void add_gate(CLI::App& app, CompareRequest& request) {
  add_comparison(app, request);
  app.add_option("--gate", request.gate, "margins, cells and exceptions [the defaults]; docs/gate.md tells the keys")
      ->type_name("GATE.toml");
  app.add_flag("--noise-floor", request.noise_floor,
               "run the baseline under another seed first; a margin below what that cannot tell apart is refused");
  app.footer(
      std::string("Example:\n  fewstep gate main.sqlite new.sqlite --gate GATE.toml -o verdict.md -o junit.xml\n") +
      kVerdictCodes);
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
  add_set(app, request.set, "grid.steps=[4]");
  app.add_option("--only", request.only, "cells that match: 'sampler=lcm steps=4,8'")->type_name("CLAUSES");
  add_limit(app, request.limit);
  add_compute(app, {request.device, &request.dtype, request.batch}, "images at a time [chosen by their size]");
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

void add_inspect(CLI::App& app, InspectRequest& request) {
  app.add_option("PATH", request.path, "folder or file")->required();
  app.add_flag("--json", request.json, "print JSON");
  app.footer("Example:\n  fewstep inspect stable-diffusion-v1-5\n");
}

void add_init(CLI::App& app, InitRequest& request) {
  app.add_option("CHECKPOINT", request.short_run.checkpoints, "folders in diffusers layout")->required();
  add_short_run(app, request.short_run);
  app.option_defaults()->group("Options");
  app.add_option("-o,--output", request.output, "the experiment file [NAME.toml]")->type_name("FILE");
  app.add_flag("--force", request.force, "write over a file that is there");
  app.footer("Example:\n  fewstep init my-lcm stable-diffusion-v1-5 --prompts captions.tsv\n");
}

void add_completion(CLI::App& app, CompletionRequest& request) {
  app.add_option("SHELL", request.shell, "bash or zsh")->required()->check(CLI::IsMember({"bash", "zsh"}));
  app.footer("Example:\n  fewstep completion bash\nTo try it: source <(fewstep completion bash)\n");
}

void add_schema(CLI::App& app, SchemaRequest& request) {
  app.add_option("KIND", request.kind, "experiment or recipe")
      ->required()
      ->check(CLI::IsMember({"experiment", "recipe"}));
  app.footer("Example:\n  fewstep schema experiment\n");
}

// CLI11 names only the first word that it did not expect.
std::string explain(const CLI::App& root, const CLI::ParseError& error, int argc, const char* const* argv) {
  std::string what = error.what();
  if (argc > 1 && argv[1][0] != '-' && root.get_subcommands().empty()) {
    std::vector<std::string> names;
    for (const CLI::App* app : root.get_subcommands([](const CLI::App*) { return true; }))
      names.push_back(app->get_name());
    if (std::find(names.begin(), names.end(), argv[1]) == names.end())
      what = "no such command: " + unknown_name(argv[1], names);
  }
  // "--format: pdf not in {table,…}"
  const auto colon = what.find(": "), list = what.find(" not in {");
  if (colon != std::string::npos && list != std::string::npos && colon < list) {
    const auto known = CLI::detail::split(what.substr(list + 9, what.rfind('}') - list - 9), ',');
    const std::string near = nearest_name(what.substr(colon + 2, list - colon - 2), known);
    if (!near.empty()) what += "; did you mean " + near + "?";
  }
  std::replace(what.begin(), what.end(), '\n', ' ');
  return what;
}

std::string usage_of(const CLI::App& root) {
  const auto chosen = root.get_subcommands();
  return "fewstep " + (chosen.empty() ? "" : chosen[0]->get_name() + " ") + "--help";
}

// A command, whose request becomes what was chosen.
template <typename Request>
void add(CLI::App& root, Command& chosen, const char* name, const char* text, void (*options)(CLI::App&, Request&)) {
  CLI::App& app = *root.add_subcommand(name, text);
  const auto request = std::make_shared<Request>();
  options(app, *request);
  app.parse_complete_callback([&chosen, request] { chosen = *request; });
}

}  // namespace

Command parse_command_line(int argc, const char* const* argv, std::ostream& out) {
  Command chosen = 0;
  CLI::App root("fewstep: how good and how fast is a few-step text-to-image checkpoint?", "fewstep");
  root.set_version_flag("--version", "fewstep " FEWSTEP_VERSION);
  root.require_subcommand(1);
  root.footer(std::string("Example:\n  fewstep demo\n  fewstep run my-experiment.toml\n") + kExitCodes + "\n");
  add(root, chosen, "demo",
      "the pocket experiment: five samplers at 1, 2, 4 and 8 steps on the trained checkpoints of pocket/", add_demo);
  add(root, chosen, "run", "plan the cells of an experiment, run what is missing, print the table", add_run);
  add(root, chosen, "report", "the table of a store", add_report);
  add(root, chosen, "compare", "is a candidate worse than a baseline? paired differences and a verdict", add_compare);
  add(root, chosen, "gate", "the same for CI, with margins from a file; what is missing never passes", add_gate);
  add(root, chosen, "watch", "score the checkpoints that a running training drops into a folder", add_watch);
  add(root, chosen, "merge", "one store from those of shards, and its scores", add_merge);
  add(root, chosen, "audit", "makes some images of a store again and computes its scores anew", add_audit);
  add(root, chosen, "sample", "images of one checkpoint", add_sample);
  add(root, chosen, "score", "metrics of images made elsewhere", add_score);
  add(root, chosen, "stats", "reference statistics of a folder of images", add_stats);
  add(root, chosen, "distill", "train a student, or a part of a pipeline, from a recipe", add_distill);
  add(root, chosen, "inspect", "what a checkpoint, store, statistics or safetensors file holds", add_inspect);
  add(root, chosen, "init", "write an experiment file for checkpoints", add_init);
  add(root, chosen, "completion", "what a shell evaluates to complete commands and options", add_completion);
  add(root, chosen, "schema", "JSON Schema of experiment or recipe files, for editors", add_schema);
  try {
    std::vector<std::string> words = with_our_names(root, {argv + std::min(argc, 1), argv + argc});
    std::reverse(words.begin(), words.end());  // as CLI11 wants them
    root.parse(std::move(words));
  } catch (const CLI::CallForHelp&) {
    out << root.help();  // of the command that was named, if any
    return 0;
  } catch (const CLI::CallForVersion& version) {
    out << version.what() << "\n";
    return 0;
  } catch (const CLI::ParseError& error) {
    throw usage_error("command line", explain(root, error, argc, argv) + "\n" + usage_of(root) + " shows the options");
  }
  if (const auto* completion = std::get_if<CompletionRequest>(&chosen)) {
    out << completion_script(root, completion->shell);
    return 0;
  }
  return chosen;
}

bool needs_engine(const Command& command) {
  if (const auto* request = std::get_if<CompareRequest>(&command))
    return request->retime || request->noise_floor || request->remake_pictures;
  if (const auto* request = std::get_if<ReportRequest>(&command))
    return request->remake_pictures || request->format == kSamplesParquet;
  return !std::holds_alternative<int>(command) && !std::holds_alternative<InspectRequest>(command) &&
         !std::holds_alternative<SchemaRequest>(command) && !std::holds_alternative<InitRequest>(command);
}

}  // namespace fewstep
