#include "cli/command_line.h"

#include "core/error.h"
#include "core/names.h"
#include "settings/known_names.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <ostream>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

constexpr const char* kExitCodes =
    "Exit codes: 0 success, 2 command line or experiment file, 3 input file, 4 device, memory or disk,\n"
    "13 incomplete (a cell failed), 75 interrupted: the same command continues.";

std::string check_device(const std::string& text) {
  const bool numbered = text.starts_with("cuda:") && text.size() > 5 && text.size() <= 8 &&
                        text.find_first_not_of("0123456789", 5) == std::string::npos;
  return text == "auto" || text == "cpu" || text == "cuda" || numbered ? ""
                                                                       : "expected auto, cpu or cuda:N, got " + text;
}

struct Compute {
  std::string& device;
  std::string* dtype;
  int& batch;
};

void add_compute(CLI::App& app, Compute to, const char* batch_text) {
  app.add_option("--device", to.device, "auto (CUDA where it works), cpu or cuda:N")
      ->type_name("DEVICE")
      ->check(check_device)
      ->capture_default_str();
  if (to.dtype) {
    app.add_option("--dtype", *to.dtype, "of the networks; metric networks always run in float32")
        ->check(CLI::IsMember({"float32", "float16", "bfloat16"}))
        ->capture_default_str();
  }
  app.add_option("--batch", to.batch, batch_text)->check(CLI::Range(1, 4096))->type_name("N");
}

void add_run(CLI::App& root, RunRequest& request) {
  CLI::App& app = *root.add_subcommand("run", "plan the cells of an experiment, run what is missing, print the table");
  app.add_option("EXPERIMENT", request.experiment, "experiment file (.toml); experiments/schema.md tells its keys")
      ->required();
  app.add_option("--store", request.store, "SQLite file for results [results/NAME.sqlite]")->type_name("FILE");
  app.add_option("--set", request.set, "replace a setting: grid.steps=[4], checkpoint.lcm.path=my-lcm (repeatable)")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--only", request.only, "cells that match: 'sampler=lcm steps=4,8'")->type_name("CLAUSES");
  app.add_option("--limit", request.limit, "the first N prompts alone")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000}));
  add_compute(app, {request.device, &request.dtype, request.batch}, "images at a time [chosen by their size]");
  app.add_flag("--dry-run", request.dry_run, "print the plan: cells, images, evaluations, bytes, time");
  app.add_flag("--no-sharing", request.no_sharing,
               "compute every cell on its own (this version always does: cells share no evaluations yet)");
  app.add_flag("--retime", request.retime, "time cells again that are timed already");
  app.footer(
      "Example:\n  fewstep run experiments/pocket.toml --only 'sampler=lcm steps=4' --limit 100\n"
      "Run it again to resume: only missing images are computed. Ctrl-C stops after the batch.\n");
}

void add_demo(CLI::App& root, DemoRequest& request) {
  CLI::App& app = *root.add_subcommand(
      "demo", "the pocket experiment: five samplers at 1, 2, 4 and 8 steps on the trained checkpoints of pocket/");
  app.add_option("--store", request.store, "SQLite file for results; the page is beside it")
      ->type_name("FILE")
      ->capture_default_str();
  app.add_option("--limit", request.limit, "the first N prompts alone")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{2}, std::int64_t{1'000'000'000}));
  app.add_option("--device", request.device, "auto (CUDA where it works), cpu or cuda:N")
      ->type_name("DEVICE")
      ->check(check_device)
      ->capture_default_str();
  app.footer(
      "Example:\n  fewstep demo\n"
      "The same as fewstep run experiments/pocket.toml, with a page at the end. Run it again to resume.\n");
}

struct GuidanceOptions {
  double omega = 0, guidance_scale = 0;
  CLI::Option *omega_option = nullptr, *scale_option = nullptr;
};

void add_sample(CLI::App& root, SampleRequest& request, GuidanceOptions& guidance) {
  CLI::App& app = *root.add_subcommand("sample", "images of one checkpoint");
  std::vector<std::string> samplers;
  for (const KnownSampler& sampler : known_samplers()) samplers.emplace_back(sampler.name);
  app.add_option("--checkpoint", request.checkpoint, "folder in diffusers layout")->type_name("DIR")->required();
  app.add_option("--sampler", request.sampler, "how to sample")->check(CLI::IsMember(samplers))->required();
  app.add_option("--steps", request.steps, "network evaluations")->check(CLI::Range(1, 1000))->capture_default_str();
  guidance.omega_option = app.add_option("--omega", guidance.omega, "guidance as the LCM paper counts it; 0: none")
                              ->check(CLI::Range(-1.0, 999.0))
                              ->type_name("W");
  guidance.scale_option = app.add_option("--guidance-scale", guidance.guidance_scale, "the same knob: 1 + omega")
                              ->check(CLI::Range(0.0, 1000.0))
                              ->type_name("S")
                              ->excludes(guidance.omega_option);
  auto* prompt = app.add_option("--prompt", request.prompt, "one caption")->type_name("TEXT");
  app.add_option("--prompts", request.prompts, "captions, an image each (.txt .tsv .csv .jsonl .parquet)")
      ->type_name("FILE")
      ->excludes(prompt);
  app.add_option("--negative-prompt", request.negative_prompt, "what guidance leads away from")->type_name("TEXT");
  app.add_option("--seed", request.seed, "of the noise, with the caption's row")
      ->check(CLI::Range(std::uint64_t{0}, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())))
      ->type_name("K")
      ->capture_default_str();
  app.add_option("-o,--output", request.output, "folder for 00000.png, 00001.png …")->type_name("DIR")->required();
  app.add_option("--latents", request.latents,
                 "start from given noise: a .safetensors with latents [B,4,h,w], and noise [N-1,B,4,h,w] for lcm")
      ->type_name("FILE");
  app.add_option("--save-latents", request.save_latents,
                 "write final latents and float images [B,3,H,W] in -1..1 as .safetensors")
      ->type_name("FILE");
  app.add_option("--spacing", request.spacing,
                 "times: trailing (default), leading, linspace; for lcm: lcm (default), lcm-original")
      ->check(CLI::IsMember({"trailing", "leading", "linspace", "lcm", "lcm-original"}));
  app.add_option("--final-sigma", request.final_sigma, "end at x0 (zero) or at the smallest training noise (min)")
      ->check(CLI::IsMember({"zero", "min"}))
      ->capture_default_str();
  app.add_option("--original-steps", request.original_steps,
                 "lcm: points of the grid that times are taken from [the checkpoint's own, 1000/k of its skip step k]")
      ->check(CLI::Range(1, 1000))
      ->type_name("N");
  add_compute(app, {request.device, &request.dtype, request.batch}, "images at a time [chosen by their size]");
  app.footer(
      "Example:\n  fewstep sample --checkpoint my-lcm --sampler lcm --steps 4 --omega 7 --prompt 'a red boat' -o "
      "out\n");
}

void add_score(CLI::App& root, ScoreRequest& request) {
  CLI::App& app = *root.add_subcommand("score", "metrics of images made elsewhere");
  app.add_option("--images", request.images, "folder of images")->type_name("DIR")->required();
  app.add_option("--metric", request.metrics, "NAME or NAME:PROTOCOL, repeatable: fid, clip-score, fd-pocket")
      ->type_name("NAME")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->required();
  app.add_option("--reference", request.reference, "folder of images or statistics (.npz)")->type_name("PATH");
  app.add_option("--inception", request.inception, "weights for fid (.safetensors)")->type_name("FILE");
  app.add_option("--clip", request.clip, "CLIP model for clip-score")->type_name("DIR");
  app.add_option("--feature-net", request.feature_net, "feature network for fd-pocket")->type_name("DIR");
  app.add_option("--prompts", request.prompts, "captions, in the order of the sorted file names")->type_name("FILE");
  app.add_flag("--assume-protocol", request.assume_protocol, "take statistics that do not name their protocol");
  app.add_flag("--skip-broken", request.skip_broken, "leave out images that cannot be decoded, and flag the scores");
  app.add_flag("--json", request.json, "print JSON");
  add_compute(app, {request.device, nullptr, request.batch}, "images at a time [16]");
  app.footer(
      "Example:\n  fewstep score --images out --reference coco.npz --metric fid:pytorch-fid --inception "
      "inception.safetensors\n");
}

void add_stats(CLI::App& root, StatsRequest& request) {
  CLI::App& app = *root.add_subcommand("stats", "reference statistics of a folder of images");
  app.add_option("IMAGES", request.images, "folder of images")->required();
  app.add_option("-o,--output", request.output, "statistics (.npz)")->type_name("FILE")->required();
  app.add_option("--protocol", request.protocol, "of fid [pytorch-fid]")->type_name("NAME");
  app.add_option("--inception", request.inception, "weights for fid (.safetensors)")->type_name("FILE");
  app.add_option("--feature-net", request.feature_net, "statistics for fd-pocket, in this network's features")
      ->type_name("DIR");
  app.add_option("--resolution", request.resolution, "resize to N x N first")->type_name("N");
  app.add_option("--crop", request.crop, "none, or center: the middle square")
      ->check(CLI::IsMember({"none", "center"}))
      ->capture_default_str();
  app.add_flag("--skip-broken", request.skip_broken, "leave out images that cannot be decoded");
  add_compute(app, {request.device, nullptr, request.batch}, "images at a time [16]");
  app.footer("Example:\n  fewstep stats laion-512/ -o laion-512.npz --inception inception.safetensors\n");
}

void add_report(CLI::App& root, ReportRequest& request) {
  CLI::App& app = *root.add_subcommand("report", "the table of a store");
  app.add_option("STORE", request.store, "SQLite file of fewstep run")->required();
  app.add_option("--format", request.format, "how to print it")
      ->check(CLI::IsMember({"table", "markdown", "latex", "csv", "json", "html"}))
      ->capture_default_str();
  app.add_option("-o,--output", request.output, "a file instead of standard output")->type_name("FILE");
  app.add_option("--rows", request.rows, "axes of the rows [checkpoint,sampler,omega]")->type_name("AXES");
  app.add_option("--columns", request.columns, "axes of the columns [steps]")->type_name("AXES");
  app.add_option("--grid-prompts", request.grid_prompts, "html: prompts in the image grid, where images were kept")
      ->type_name("N")
      ->check(CLI::Range(0, 100))
      ->capture_default_str();
  app.add_option("--run", request.run, "one run of the store [the latest]")->type_name("ID");
  app.footer(
      "Example:\n  fewstep report results/pocket-demo.sqlite --format markdown\n"
      "  fewstep report results/pocket-demo.sqlite --format html -o pocket.html\n");
}

void add_distill(CLI::App& root, DistillRequest& request) {
  CLI::App& app = *root.add_subcommand("distill", "train a student, or a part of a pipeline, from a recipe");
  app.add_option("RECIPE", request.recipe, "recipe file (.toml); experiments/recipes.md tells its keys")->required();
  app.add_option("--set", request.set, "replace a setting: lcd.skip_step=50, train.steps=100 (repeatable)")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--device", request.device, "auto (CUDA where it works), cpu or cuda:N")
      ->type_name("DEVICE")
      ->check(check_device)
      ->capture_default_str();
  app.add_flag("--dry-run", request.dry_run, "print steps, images and network evaluations");
  app.add_flag("--again", request.again, "train anew what is trained already");
  app.footer(
      "Example:\n  fewstep distill pocket/recipes/lcm.toml\n"
      "Run it again to go on after an interruption, with the same numbers as without one.\n");
}

void add_inspect(CLI::App& root, InspectRequest& request) {
  CLI::App& app = *root.add_subcommand("inspect", "what a checkpoint, store, statistics or safetensors file holds");
  app.add_option("PATH", request.path, "folder or file")->required();
  app.add_flag("--json", request.json, "print JSON");
  app.footer("Example:\n  fewstep inspect stable-diffusion-v1-5\n");
}

Guidance guidance_of(const GuidanceOptions& options) {
  if (std::isnan(options.omega) || std::isnan(options.guidance_scale))  // which CLI11 finds in every range
    throw usage_error("sample", "expected a number as guidance, got nan");
  if (*options.scale_option) return {options.guidance_scale - 1, true};
  if (*options.omega_option) return {options.omega, false};
  throw usage_error("sample",
                    "expected --omega W or --guidance-scale S (1 + omega); --omega 0 samples without guidance");
}

void check(const SampleRequest& request) {
  if (!request.prompt && !request.prompts) throw usage_error("sample", "expected --prompt TEXT or --prompts FILE");
  const KnownSampler& sampler = find_known_sampler(request.sampler, "--sampler");
  if (request.original_steps > 0 && sampler.kind != CheckpointInfo::Kind::kConsistency)
    throw usage_error("--original-steps", "expected it with lcm alone, got it with " + request.sampler);
  if (request.spacing.empty()) return;
  const bool lcm = is_lcm(parse_spacing(request.spacing));
  const bool fits = lcm ? sampler.kind == CheckpointInfo::Kind::kConsistency
                        : sampler.takes_spacing || (sampler.name == "guided-distill" && request.spacing == "trailing");
  if (!fits) throw usage_error("--spacing", "expected one that " + request.sampler + " takes, got " + request.spacing);
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
  std::replace(what.begin(), what.end(), '\n', ' ');
  return what;
}

std::string usage_of(const CLI::App& root) {
  const auto chosen = root.get_subcommands();
  return "fewstep " + (chosen.empty() ? "" : chosen[0]->get_name() + " ") + "--help";
}

}  // namespace

Command parse_command_line(int argc, const char* const* argv, std::ostream& out) {
  RunRequest run;
  SampleRequest sample;
  ScoreRequest score;
  StatsRequest stats;
  ReportRequest report;
  InspectRequest inspect;
  DistillRequest distill;
  DemoRequest demo;
  GuidanceOptions guidance;

  CLI::App root("fewstep: how good and how fast is a few-step text-to-image checkpoint?", "fewstep");
  root.set_version_flag("--version", "fewstep " FEWSTEP_VERSION);
  root.require_subcommand(1);
  root.footer(std::string("Example:\n  fewstep demo\n  fewstep run my-experiment.toml\n") + kExitCodes + "\n");
  add_demo(root, demo);
  add_run(root, run);
  add_report(root, report);
  add_sample(root, sample, guidance);
  add_score(root, score);
  add_stats(root, stats);
  add_distill(root, distill);
  add_inspect(root, inspect);

  try {
    root.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    out << root.help();  // of the command that was named, if any
    return 0;
  } catch (const CLI::CallForVersion& version) {
    out << version.what() << "\n";
    return 0;
  } catch (const CLI::ParseError& error) {
    throw usage_error("command line", explain(root, error, argc, argv) + "\n" + usage_of(root) + " shows the options");
  }

  const std::string command = root.get_subcommands().front()->get_name();
  if (command == "run") return run;
  if (command == "demo") return demo;
  if (command == "sample") {
    sample.guidance = guidance_of(guidance);
    check(sample);
    return sample;
  }
  if (command == "score") return score;
  if (command == "stats") return stats;
  if (command == "distill") return distill;
  if (command == "report") return report;
  return inspect;
}

bool needs_engine(const Command& command) {
  return !std::holds_alternative<int>(command) && !std::holds_alternative<ReportRequest>(command) &&
         !std::holds_alternative<InspectRequest>(command);
}

}  // namespace fewstep
