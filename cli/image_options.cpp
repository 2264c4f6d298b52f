#include "cli/commands.h"
#include "cli/options.h"
#include "core/error.h"
#include "core/names.h"
#include "core/noise.h"
#include "datasets/caption_formats.h"
#include "samplers/catalog.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <limits>

namespace fewstep {
namespace {

void check(const SampleRequest& request) {
  if (request.guidance && std::isnan(request.guidance->omega))  // which CLI11 finds in every range
    throw usage_error("sample", "expected a number as guidance, got nan");
  if (!request.prompt && !request.prompts) throw usage_error("sample", "expected a caption, or --prompts FILE");
  std::error_code ignored;
  if (request.prompt && std::filesystem::is_regular_file(*request.prompt, ignored))
    throw usage_error("sample",
                      "expected a caption, got the file " + *request.prompt + "; give --prompts " + *request.prompt);
  if (request.row && !request.prompts) throw usage_error("--row", "expected --prompts FILE, whose row it is");
  if (!request.times.empty())
    check_times("--times", request.times, request.steps > 0 ? request.steps : static_cast<int>(request.times.size()));
  if (request.sampler.empty()) {
    if (request.spacing || request.original_inference_steps > 0)
      throw usage_error("sample", "expected --sampler beside --spacing and --original-steps");
    return;
  }
  const SamplerInfo& sampler = find_by_name(kSamplers, request.sampler, "--sampler");
  const bool consistency = sampler.kind == CheckpointKind::kConsistency;
  if (request.original_inference_steps > 0 && !consistency)
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
  auto* times = app.add_option("--times", request.times, "the times themselves, falling: 999,749,499,249")
                    ->type_name("T,…")
                    ->delimiter(',');
  app.add_option_function<std::string>(
         "--spacing", [&request](const std::string& name) { request.spacing = parse_spacing(name); },
         "times: trailing (default), leading, linspace; for lcm: lcm (default), lcm-original")
      ->check(CLI::IsMember(texts(kSpacings)))
      ->excludes(times);
  app.add_option_function<std::string>(
         "--final-sigma", [&request](const std::string& name) { request.final_sigma = parse_final_sigma(name); },
         "end at x0 (zero) or at the smallest training noise (min)")
      ->check(CLI::IsMember(texts(kFinalSigmas)))
      ->default_str(std::string(name_of(request.final_sigma)));
  app.add_option("--original-steps", request.original_inference_steps,
                 "lcm: points of the grid that times are taken from [the checkpoint's own, 1000/k of its skip step k]")
      ->check(CLI::Range(1, 1000))
      ->type_name("N")
      ->excludes(times);
}

void add_left_out(CLI::App& app, double& most) {
  app.add_option("--max-left-out", most,
                 "part of the images that may be broken [0.01]; they are left out, and the result is flagged")
      ->type_name("X")
      ->check(CLI::Range(0.0, 1.0));
  app.add_flag_callback(
      "--skip-broken", [&most] { most = 1; }, "the same as --max-left-out 1");
}

}  // namespace

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
  auto* latents = app.add_option("--latents", request.latents,
                                 "start from given noise: a .safetensors with latents [B,4,h,w], and noise "
                                 "[N-1,B,4,h,w] for lcm")
                      ->type_name("FILE");
  for (const auto& [name, pixels] : {std::pair{"--height", &request.height}, {"--width", &request.width}})
    app.add_option(name, *pixels, "of the images, in pixels [the checkpoint's]")
        ->check(CLI::Range(8, 16'384))
        ->type_name("N")
        ->excludes(latents);
  app.add_option("--save-latents", request.save_latents,
                 "write final latents and float images [B,3,H,W] in -1..1 as .safetensors")
      ->type_name("FILE");
  add_compute(app, {request.device, &request.dtype, request.batch}, "images at a time [chosen by their size]");
  add_progress(app);
  app.footer(
      "Example:\n  fewstep sample my-lcm 'a red boat'\n"
      "  fewstep sample my-lcm --prompts captions.tsv --steps 2 --omega 7 -o out --contact-sheet\n");
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
  add_verify(app, request.verify);
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

}  // namespace fewstep
