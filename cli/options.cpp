#include "cli/options.h"

#include "cli/option_aliases.h"
#include "core/device_name.h"
#include "core/dtype.h"
#include "core/messages.h"
#include "datasets/caption_formats.h"
#include "settings/requests.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace fewstep {
namespace {

std::string check_device(const std::string& text) {
  return read_device_name(text) ? "" : "expected auto, cpu or cuda:N, got " + text;
}

}  // namespace

std::vector<std::string> texts(std::span<const std::string_view> names) { return {names.begin(), names.end()}; }

void add_device(CLI::App& app, std::string& device) {
  app.add_option("--device", device, "auto (CUDA where it works), cpu or cuda:N")
      ->type_name("DEVICE")
      ->transform(our_device)
      ->check(check_device)
      ->capture_default_str();
}

void add_compute(CLI::App& app, ComputeOptions to, const char* batch_text) {
  add_device(app, to.device);
  if (to.dtype) {
    app.add_option("--dtype", *to.dtype, "of the networks; metric networks run in float32")
        ->transform(our_dtype)
        ->check(CLI::IsMember(texts(kDtypes)))
        ->capture_default_str();
  }
  app.add_option("--batch", to.batch, batch_text)->check(CLI::Range(1, kMaxBatch))->type_name("N");
}

void add_verify(CLI::App& app, bool& verify) {
  app.add_flag("--verify", verify, "read a reference folder again that the cache knows, and compare its content");
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

void add_only(CLI::App& app, std::string& only) {
  app.add_option("--only", only, "cells that match: 'sampler=lcm steps=4,8'")->type_name("CLAUSES");
}

void add_limit(CLI::App& app, std::optional<std::int64_t>& limit) {
  app.add_option("--limit", limit, "the first N prompts alone")
      ->type_name("N")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000}));
}

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

std::string network_text(const MetricInfo& metric) {
  return std::string(metric.network.noun) + " for " + std::string(metric.name) +
         (metric.network.is_folder ? "" : " (.safetensors)");
}

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
  add_guidance(app, to.guidance, "for all [by what each checkpoint is and was trained for]");
  app.add_option("--keep", to.keep, "images of the first N prompts that are kept; or none, all, extremes")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1'000'000'000}) | CLI::IsMember({"none", "all", "extremes"}))
      ->type_name("N")
      ->capture_default_str();
  add_networks(
      app, to.networks, [](const MetricInfo&) { return true; }, network_text);
}

}  // namespace fewstep
