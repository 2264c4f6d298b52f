#include "cli/short_run.h"

#include "core/error.h"
#include "core/files.h"
#include "core/folder.h"
#include "core/plain_names.h"
#include "metrics/catalog.h"
#include "models/checkpoint_info.h"
#include "samplers/catalog.h"
#include "settings/toml/text.h"
#include "settings/weights.h"
#include "store/trained_for.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
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
};

std::vector<Known> look_at(const std::vector<Path>& folders) {
  std::vector<Known> all;
  std::set<std::string> taken;
  for (const Path& given : folders) {
    const Path folder = without_slash(std::filesystem::absolute(given));
    Known known{new_plain_name(folder_name(folder), taken), folder, inspect_checkpoint(folder, false), {}};
    if (const auto record = read_training_record(folder, "")) known.training = trained_for(*record);
    all.push_back(std::move(known));
  }
  return all;
}

// One for all, so that they can be compared: the first student's.
double omega_of(const std::vector<Known>& checkpoints) {
  const auto student = std::find_if(checkpoints.begin(), checkpoints.end(),
                                    [](const Known& known) { return known.training.omega_low.has_value(); });
  return usual_omega(student == checkpoints.end() ? TrainedFor() : student->training);
}

std::string checkpoint_text(const Known& known) {
  std::vector<std::string> samplers;
  for (const SamplerInfo& sampler : kSamplers)
    if (sampler.kind == known.info.kind) samplers.push_back(quoted_toml(std::string(sampler.name)));
  const std::string what = known.info.kind == CheckpointKind::kTeacher
                               ? "a diffusion model"
                               : fmt::format("a {} model", name_of(known.info.kind));
  std::string text = fmt::format("[[checkpoint]]   # {}, predicts {}\nname = {}\npath = {}\nsamplers = [{}]\n", what,
                                 name_of(known.info.prediction), quoted_toml(known.name), quoted_path(known.path),
                                 fmt::join(samplers, ", "));
  if (known.training.steps) text += fmt::format("steps = [{}]   # what it was trained for\n", *known.training.steps);
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

}  // namespace

std::string name_of(const ShortRun& given) {
  const std::size_t count = given.checkpoints.size();
  const std::string others = count > 1 ? fmt::format("-and-{}", count - 1) : "";
  return as_plain_name(folder_name(given.checkpoints.at(0)), kLongestName - others.size()) + others;
}

std::string experiment_of(const ShortRun& given, const std::string& name, bool metrics_needed) {
  const std::vector<Known> checkpoints = look_at(given.checkpoints);
  std::string text = fmt::format("name = {}\nseed = 0\n\n[prompts]\n{}\n{}", quoted_toml(name), prompts_text(given),
                                 reference_text(given));
  for (const Known& known : checkpoints) text += checkpoint_text(known);
  const std::vector<int> steps = given.steps.empty() ? std::vector<int>{1, 2, 4, 8} : given.steps;
  const bool as_scale = given.guidance && given.guidance->given_as_guidance_scale;
  const double omega = given.guidance ? given.guidance->omega : omega_of(checkpoints);
  text += fmt::format("[grid]\nsteps = [{}]\n{} = [{}]   # {}\n\n", fmt::join(steps, ", "),
                      as_scale ? "guidance_scale" : "omega", as_scale ? omega + 1 : omega,
                      as_scale ? "1 + omega" : "guidance_scale = 1 + omega");
  return text + metrics_text(given, metrics_needed) + "[timing]\n";
}

RunRequest written_out(RunRequest request, std::ostream* messages) {
  if (request.short_run.checkpoints.empty()) return request;
  const std::string name = name_of(request.short_run);
  if (request.store.empty()) request.store = Path("results") / (name + ".sqlite");
  request.experiment = Path(request.store).replace_extension(".toml");
  const std::string text = std::string(kMarker) + experiment_of(request.short_run, name, true);
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
  if (messages) *messages << "experiment " << request.experiment.string() << ":\n" << text << std::endl;
  return request;
}

void run_init(const InitRequest& request, std::ostream& out) {
  const std::string name = name_of(request.short_run);
  const Path file = request.output.empty() ? Path(name + ".toml") : request.output;
  std::error_code ignored;
  if (std::filesystem::exists(file, ignored) && !request.force)
    throw usage_error(file.string(), "is there already; choose another place with -o, or --force writes over it");
  write_file_atomically(file, experiment_of(request.short_run, name, false));
  out << file.string() << ": fewstep run " << file.string() << " --dry-run checks it and tells what it takes\n";
}

}  // namespace fewstep
