#include "harness/generate/run_facts.h"

#include "core/error.h"
#include "core/files.h"
#include "core/grouped.h"
#include "settings/run_options.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

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

std::string json_of(const RunRequest& request) {
  nlohmann::json json = run_options_json(request);
  json["experiment"] = std::filesystem::absolute(request.experiment).lexically_normal().string();
  const std::filesystem::path trained = trained_folder(request);
  json["trained"] = trained.empty() ? "" : std::filesystem::absolute(trained).lexically_normal().string();
  return json.dump();
}

}  // namespace

RunRequest request_of(const std::map<std::string, std::string>& facts, const std::filesystem::path& store) {
  const auto fact = [&](const char* name) {
    const auto found = facts.find(name);
    return found == facts.end() ? std::string() : found->second;
  };
  const auto json = nlohmann::json::parse(fact("request"), nullptr, false);
  RunRequest request;
  try {
    static_cast<RunOptions&>(request) = read_run_options(json);
    request.experiment = json.at("experiment").get<std::string>();
    request.inner.trained = json.value("trained", "");  // runs of older versions trained into results/NAME.trained
  } catch (const nlohmann::json::exception&) {
    throw input_error(store.string(),
                      "expected a run that says how it was asked for, got one of images made elsewhere "
                      "or of an older version; run its experiment again");
  }
  if (read_file(request.experiment, kMaxExperimentBytes) != fact("experiment"))
    throw input_error(request.experiment.string(), "expected the experiment file of " + store.string() +
                                                       " as it was, got another text; run it again first");
  request.store = store;
  return request;
}

std::filesystem::path trained_folder(const RunRequest& request) {
  if (request.inner.trained) return *request.inner.trained;
  return request.store.empty() ? std::filesystem::path()
                               : std::filesystem::path(request.store).replace_extension(".trained");
}

int batch_of_run(const std::map<std::string, std::string>& facts) {
  const auto fact = facts.find("request");
  if (fact == facts.end()) return 0;
  const auto json = nlohmann::json::parse(fact->second, nullptr, false);
  if (!json.is_object() || !json.contains("batch") || !json["batch"].is_number_integer()) return 0;
  return std::clamp(json["batch"].get<int>(), 0, kMaxBatch);
}

std::map<std::string, std::string> run_facts(const RunRequest& request, const Experiment& experiment, const Plan& plan,
                                             const CutCaptions& cut) {
  std::map<std::string, std::string> facts;
  facts["command"] = command_line();
  facts["request"] = json_of(request);
  facts["experiment file"] = request.experiment.string();
  facts["experiment"] = read_file(request.experiment, kMaxExperimentBytes);
  facts["prompts"] = prompts_text(experiment, plan);
  if (cut.count > 0) facts["prompts"] += fmt::format(" ({} cut at {} tokens)", grouped(cut.count), cut.max_length);
  if (!plan.shard.is_whole()) facts["shard"] = text_of(plan.shard);
  if (experiment.has_reference()) facts["reference"] = reference_text(experiment);
  for (const MetricSettings& metric : experiment.metrics)
    facts["network of " + metric.name] = metric.network.filename().string();
  std::erase_if(facts, [](const auto& fact) { return fact.second.empty(); });
  return facts;
}

}  // namespace fewstep
