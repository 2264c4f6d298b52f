#include "cli/command_line.h"

#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/help_text.h"
#include "cli/option_aliases.h"
#include "core/error.h"
#include "core/names.h"
#include "reports/printers.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <ostream>
#include <utility>

namespace fewstep {
namespace {

constexpr const char* kExitCodes =
    "Exit codes: 0 success, 2 command line or experiment file, 3 input file, 4 device, memory or disk,\n"
    "10 regression, 11 inconclusive, 12 not comparable (compare, gate),\n"
    "13 incomplete (a cell failed), 75 interrupted: the same command continues.";

// "--steps: Value 4-8 not in range 1 to 1000", of lists, which experiments take; empty for other faults.
std::string explain_list(const std::string& what) {
  constexpr std::string_view kValue = ": Value ", kRange = " not in range ";
  const auto begin = what.find(kValue), end = what.find(kRange);
  if (begin == std::string::npos || end == std::string::npos || end < begin) return "";
  const std::string value = what.substr(begin + kValue.size(), end - begin - kValue.size());
  double number = 0;
  const auto [rest, failure] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (failure != std::errc() || rest == value.data() + value.size() || (*rest != ',' && *rest != '-')) return "";
  return what.substr(0, begin) + ": expected one number, got " + value +
         "; a list belongs into [grid] of an experiment file, which fewstep init writes";
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
  if (const std::string one = explain_list(what); !one.empty()) what = one;
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
  root.formatter(std::make_shared<HelpText>());
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
    return request->remake_pictures || request->format == kSamplesParquet ||
           std::ranges::any_of(request->outputs, [](const auto& file) { return file.extension() == kParquetEnding; });
  return !std::holds_alternative<int>(command) && !std::holds_alternative<InspectRequest>(command) &&
         !std::holds_alternative<SchemaRequest>(command) && !std::holds_alternative<InitRequest>(command);
}

}  // namespace fewstep
