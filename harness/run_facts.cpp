#include "harness/run_facts.h"

#include "core/error.h"
#include "core/files.h"
#include "core/grouped.h"

#include <algorithm>
#include <fstream>

namespace fewstep {
namespace {

constexpr std::uint64_t kMaxExperimentBytes = 1 << 20;

// As a shell takes it.
std::string shell_quoted(const std::string& argument) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!argument.empty() && argument.find_first_not_of(kPlain) == std::string::npos) return argument;
  std::string text = "'";
  for (const char c : argument) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

// The command line of this process; nothing where the system does not say it.
std::string command_line() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string text;
  bool first = true;
  for (std::string argument; std::getline(file, argument, '\0'); first = false)
    text += first ? std::filesystem::path(argument).filename().string() : " " + shell_quoted(argument);
  return text;
}

std::string prompts_text(const Experiment& experiment, const Plan& plan) {
  const PromptQuery& query = experiment.prompts;
  const auto count = static_cast<std::int64_t>(plan.texts.size());
  const std::string source = query.shapes ? "built-in scenes" : query.file.filename().string();
  const std::string what = query.shapes ? "" : " captions";
  if (query.count && count < *query.count)
    return source + ": the first " + grouped(count) + " of " + grouped(*query.count) + what;
  return source + ": " + (query.count ? "the first " : "all ") + grouped(count) + what;
}

std::string reference_text(const Experiment& experiment) {
  if (experiment.reference_images) return experiment.reference_images->filename().string();
  if (experiment.reference_statistics) return experiment.reference_statistics->filename().string();
  const ReferenceShapes& shapes = *experiment.reference_shapes;
  return grouped(shapes.count) + " built-in scenes from " + grouped(shapes.first) + " on";
}

}  // namespace

std::map<std::string, std::string> run_facts(const RunRequest& request, const Experiment& experiment,
                                             const Plan& plan) {
  std::map<std::string, std::string> facts;
  facts["command"] = command_line();
  facts["experiment file"] = request.experiment.string();
  facts["experiment"] = read_file(request.experiment, kMaxExperimentBytes);
  facts["prompts"] = prompts_text(experiment, plan);
  if (experiment.has_reference()) facts["reference"] = reference_text(experiment);
  for (const MetricSettings& metric : experiment.metrics)
    facts["network of " + metric.name] = metric.network.filename().string();
  std::erase_if(facts, [](const auto& fact) { return fact.second.empty(); });
  return facts;
}

}  // namespace fewstep
