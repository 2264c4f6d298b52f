#include "cli/short_run.h"

#include "checkpoints/checkpoint_info.h"
#include "core/error.h"
#include "core/files.h"
#include "core/folder.h"
#include "core/known_mistakes.h"
#include "core/plain_names.h"
#include "metrics/catalog.h"
#include "samplers/catalog.h"
#include "settings/toml/text.h"
#include "settings/usual_sampling.h"
#include "settings/weights.h"
#include "store/trained_for.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <span>
#include <vector>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

constexpr std::string_view kMarker = "# Written by fewstep run; to change it, copy it under another name.\n";

std::string quoted_path(const Path& path) {
  return quoted_toml(std::filesystem::absolute(path).lexically_normal().string());
}

struct Known {
  std::string name;
  Path path;
  CheckpointInfo info;
  TrainedFor training;
  UsualSampling usual;
};

std::vector<Known> look_at(const std::vector<Path>& folders) {
  std::vector<Known> all;
  const std::vector<std::string> names = names_of_folders(folders);
  for (std::size_t i = 0; i < folders.size(); ++i) {
    const Path folder = without_slash(std::filesystem::absolute(folders[i]));
    Known known{names[i], folder, inspect_checkpoint(folder, false), trained_for(folder), {}};
    const TrainedFor& training = known.training;
    known.usual = usual_sampling(known.info, {training.omega_low, training.omega_high, training.steps});
    all.push_back(std::move(known));
  }
  return all;
}

// "omega = [7]   # guidance_scale = 1 + omega"
std::string guidance_line(const Guidance& guidance) {
  const bool as_scale = guidance.given_as_guidance_scale;
  return fmt::format("{} = [{}]   # {}\n", as_scale ? "guidance_scale" : "omega", guidance.omega + as_scale,
                     as_scale ? "1 + omega" : "guidance_scale = 1 + omega");
}

bool share_guidance(const std::vector<Known>& checkpoints) {
  return std::ranges::all_of(checkpoints, [&](const Known& known) {
    return known.usual.guidance.omega == checkpoints.front().usual.guidance.omega;
  });
}

std::string differing_guidance(const std::vector<Known>& checkpoints) {
  std::string text;
  for (const Known& known : checkpoints) {
    const Guidance& guidance = known.usual.guidance;
    text += fmt::format("{}{} {} {:.6g}", text.empty() ? "" : ", ", known.name,
                        guidance.given_as_guidance_scale ? "guidance_scale" : "omega",
                        guidance.omega + guidance.given_as_guidance_scale);
  }
  return text;
}

std::string checkpoint_text(const Known& known, bool own_guidance) {
  std::vector<std::string> samplers;
  for (const SamplerInfo& sampler : kSamplers)
    if (sampler.kind == known.info.kind && (known.usual.why.empty() || sampler.name == known.usual.sampler))
      samplers.push_back(quoted_toml(std::string(sampler.name)));
  const std::string what = known.info.kind == CheckpointKind::kTeacher
                               ? "a diffusion model"
                               : fmt::format("a {} model", name_of(known.info.kind));
  std::string text = fmt::format("[[checkpoint]]   # {}, predicts {}\nname = {}\npath = {}\nsamplers = [{}]\n", what,
                                 name_of(known.info.prediction), quoted_toml(known.name), quoted_path(known.path),
                                 fmt::join(samplers, ", "));
  if (known.training.steps) text += fmt::format("steps = [{}]   # what it was trained for\n", *known.training.steps);
  if (own_guidance) text += guidance_line(known.usual.guidance);
  if (!known.usual.why.empty()) text += fmt::format("# {}\n", known.usual.why);
  return text + "\n";
}

std::string metric_text(const MetricInfo& metric, const Path& network) {
  return fmt::format("[[metric]]\nname = {}\nprotocol = {}   # {}\n{} = {}\n\n", quoted_toml(std::string(metric.name)),
                     quoted_toml(std::string(metric.protocols[0].name)), fmt::join(names_of(metric.protocols), ", "),
                     metric.network.key, quoted_path(network));
}

// Which metrics have a network; what to do about the others.
std::string metrics_text(const ShortRun& given, bool needed) {
  std::string text, missing;
  for (const MetricInfo& metric : kMetrics) {
    if (metric.rows_of != metric.name) continue;  // FID∞ needs more images than a first look has
    const auto named = given.networks.find(metric.name);
    const Path network = named != given.networks.end() ? named->second : find_network(metric.network, {});
    if (network.empty() && metric.network.published.empty()) continue;
    if (network.empty()) {
      missing += fmt::format("# no {}: {}\n", metric.name, how_to_name(metric.network));
    } else if (metric.needs_reference && given.reference.empty()) {
      missing += fmt::format("# no {}: --reference names images or statistics to compare with\n", metric.name);
    } else {
      text += metric_text(metric, network);
    }
  }
  if (needed && text.empty()) throw usage_error("run", "expected a metric's network, found none:\n" + missing);
  return text + (missing.empty() ? "" : missing + "\n");
}

std::string prompts_text(const ShortRun& given) {
  if (given.prompts == "shapes") return "builtin = \"shapes\"\ncount = 1000\n";
  if (!given.prompts.empty()) return fmt::format("file = {}\n", quoted_path(given.prompts));
  return "file = \"captions.tsv\"   # .parquet .tsv .csv .jsonl .txt; or: builtin = \"shapes\"\n";
}

std::string reference_text(const ShortRun& given) {
  if (given.reference.empty()) return "";
  return fmt::format("[reference]\n{} = {}\n\n", given.reference.extension() == ".npz" ? "statistics" : "images",
                     quoted_path(given.reference));
}

// As a value of [images] keep.
std::string keep_value(const std::string& keep) {
  if (keep == "none") return "false";
  if (keep == "all") return "true";
  return keep == "extremes" ? quoted_toml(keep) : keep;
}

// Faults of the command line name its options, not a line of the file that is written from them.
void check_paths(const ShortRun& given) {
  const auto expect = [](std::string_view option, const Path& path, bool may_be_folder, std::string_view what) {
    std::error_code ignored;
    if (std::filesystem::is_regular_file(path, ignored)) return;
    const bool folder = std::filesystem::is_directory(path, ignored);
    if (folder && may_be_folder) return;
    throw input_error(std::string(option),
                      fmt::format("expected {}, found {} {}{}", what, folder ? "the folder" : "nothing at",
                                  path.string(), folder ? "" : remedy_for_nothing_at(path)));
  };
  if (given.prompts != "shapes") expect("--prompts", given.prompts, false, "a caption file, or shapes");
  if (!given.reference.empty())
    expect("--reference", given.reference, true, "a folder of images, or statistics (.npz)");
  for (const MetricInfo& metric : kMetrics)
    if (const auto named = given.networks.find(metric.name); named != given.networks.end())
      expect(metric.network.option, named->second, metric.network.is_folder, metric.network.expected);
}

}  // namespace

std::string name_of(const ShortRun& given) {
  constexpr std::size_t kNamed = 3;
  const std::vector<std::string> names = names_of_folders(given.checkpoints);
  const std::string others = names.size() > kNamed ? fmt::format("+{}-more", names.size() - kNamed) : "";
  const std::span named(names.data(), std::min(names.size(), kNamed));
  return as_plain_name(fmt::format("{}", fmt::join(named, "+")), kLongestName - others.size()) + others;
}

ShortExperiment experiment_of(const ShortRun& given, const std::string& name, bool metrics_needed) {
  const std::vector<Known> checkpoints = look_at(given.checkpoints);
  std::string text = fmt::format("name = {}\nseed = 0\n\n[prompts]\n{}\n{}", quoted_toml(name), prompts_text(given),
                                 reference_text(given));
  const bool shared = given.guidance || share_guidance(checkpoints);
  for (const Known& known : checkpoints) text += checkpoint_text(known, !shared);
  const std::vector<int> steps = given.steps.empty() ? std::vector<int>{1, 2, 4, 8} : given.steps;
  text += fmt::format("[grid]\nsteps = [{}]\n", fmt::join(steps, ", "));
  if (shared) text += guidance_line(given.guidance.value_or(checkpoints.front().usual.guidance));
  text += fmt::format("\n[images]\nkeep = {}\n", keep_value(given.keep));
  return {text + "\n" + metrics_text(given, metrics_needed) + "[timing]\n",
          shared ? "" : differing_guidance(checkpoints)};
}

RunRequest written_out(RunRequest request, std::ostream* messages) {
  if (request.short_run.checkpoints.empty()) return request;
  check_paths(request.short_run);
  const std::string name = name_of(request.short_run);
  if (request.store.empty()) request.store = Path("results") / (name + ".sqlite");
  expect_place_for(request.store);
  request.experiment = Path(request.store).replace_extension(".toml");
  const ShortExperiment experiment = experiment_of(request.short_run, name, true);
  const std::string text = std::string(kMarker) + experiment.toml;
  std::error_code ignored;
  const bool exists = std::filesystem::exists(request.experiment, ignored);
  const std::string there = exists ? read_file(request.experiment) : "";
  if (exists && !there.starts_with(kMarker))
    throw usage_error(request.experiment.string(),
                      "would be written over, and a person wrote it; run it, or choose another --store");
  if (there != text) {
    make_folders(request.experiment.parent_path());
    write_file_atomically(request.experiment, text);
  }
  if (messages)
    *messages << "experiment " << request.experiment.string()
              << (experiment.guidance.empty() ? "" : ", under different guidance: " + experiment.guidance) << ":\n"
              << text << std::endl;
  return request;
}

void run_init(const InitRequest& request, std::ostream& out) {
  const std::string name = name_of(request.short_run);
  const Path file = request.output.empty() ? Path(name + ".toml") : request.output;
  std::error_code ignored;
  if (std::filesystem::exists(file, ignored) && !request.force)
    throw usage_error(file.string(), "is there already; choose another place with -o, or --force writes over it");
  write_file_atomically(file, experiment_of(request.short_run, name, false).toml);
  out << file.string() << ": fewstep run " << file.string() << " --dry-run checks it and tells what it takes\n";
}

}  // namespace fewstep
