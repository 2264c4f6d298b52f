#include "cli/option_aliases.h"

#include "core/error.h"
#include "core/names.h"
#include "core/text.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace fewstep {
namespace {

using Names = std::pair<std::string_view, std::string_view>;

// As diffusers, lm-eval, torch-fidelity, clean-fid and their users' scripts have it → ours.
constexpr std::array<Names, 28> kOptions{{{"--batch-size", "--batch"},
                                          {"--bs", "--batch"},
                                          {"--num-inference-steps", "--steps"},
                                          {"--inference-steps", "--steps"},
                                          {"--num-steps", "--steps"},
                                          {"--guidance", "--guidance-scale"},
                                          {"--cfg", "--guidance-scale"},
                                          {"--cfg-scale", "--guidance-scale"},
                                          {"--out", "--output"},
                                          {"--output-dir", "--output"},
                                          {"--output-path", "--output"},
                                          {"--precision", "--dtype"},
                                          {"--torch-dtype", "--dtype"},
                                          {"--model", "--checkpoint"},
                                          {"--model-path", "--checkpoint"},
                                          {"--ckpt", "--checkpoint"},
                                          {"--pretrained-model-name-or-path", "--checkpoint"},
                                          {"--scheduler", "--sampler"},
                                          {"--num-prompts", "--limit"},
                                          {"--num-samples", "--limit"},
                                          {"--max-samples", "--limit"},
                                          {"--captions", "--prompts"},
                                          {"--prompt-file", "--prompts"},
                                          {"--ref", "--reference"},
                                          {"--real", "--reference"},
                                          {"--metrics", "--metric"},
                                          {"--overwrite", "--force"},
                                          {"--db", "--store"}}};

// What no option of a command does, and what does it.
constexpr std::array<Names, 4> kAnswers{
    {{"--metric", "what it has networks for is measured: --inception, --clip, --feature-net"},
     {"--metrics", "what it has networks for is measured: --inception, --clip, --feature-net"},
     {"--resume", "the same command again goes on where it was stopped"},
     {"--num-workers", "threads are chosen; OMP_NUM_THREADS bounds them"}}};

constexpr std::array<Names, 8> kPrecisionWords{{{"fp32", "float32"},
                                                {"f32", "float32"},
                                                {"float", "float32"},
                                                {"fp16", "float16"},
                                                {"f16", "float16"},
                                                {"half", "float16"},
                                                {"bf16", "bfloat16"},
                                                {"bfloat", "bfloat16"}}};

std::vector<std::string> options_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string our_option(const std::string& typed, const std::vector<std::string>& known, const std::string& command) {
  if (contains(known, typed)) return typed;
  std::string name = lower(typed);
  std::replace(name.begin(), name.end(), '_', '-');
  if (contains(known, name)) return name;
  for (const auto& [theirs, ours] : kOptions)
    if (theirs == name && contains(known, ours)) return std::string(ours);
  const auto answer = std::find_if(kAnswers.begin(), kAnswers.end(), [&](auto& row) { return row.first == name; });
  const std::string near = answer == kAnswers.end() ? nearest_name(name, known) : "";
  throw usage_error("command line", "no such option of fewstep " + command + ": " + typed +
                                        (near.empty() ? "" : "; did you mean " + near + "?") +
                                        (answer == kAnswers.end() ? "" : "; " + std::string(answer->second)) +
                                        "\nfewstep " + command + " --help shows the options");
}

}  // namespace

std::vector<std::string> with_our_names(const CLI::App& root, std::vector<std::string> arguments) {
  const CLI::App* command = nullptr;
  for (const CLI::App* app : root.get_subcommands([](const CLI::App*) { return true; }))
    if (!arguments.empty() && app->get_name() == arguments.front()) command = app;
  if (!command) return arguments;
  const std::vector<std::string> known = options_of(*command);
  for (std::string& argument : arguments) {
    if (argument == "--") break;
    if (!argument.starts_with("--")) continue;
    const auto end = argument.find('=');
    argument = our_option(argument.substr(0, end), known, command->get_name()) +
               (end == std::string::npos ? "" : argument.substr(end));
  }
  return arguments;
}

std::string our_dtype(std::string text) {
  std::string word = lower(text);
  if (word.starts_with("torch.")) word.erase(0, 6);
  for (const auto& [theirs, ours] : kPrecisionWords)
    if (theirs == word) return std::string(ours);
  return word;
}

std::string our_device(std::string text) {
  std::string word = lower(text);
  if (word == "gpu" || word.starts_with("gpu:")) word.replace(0, 3, "cuda");
  const bool number = !word.empty() && word.find_first_not_of("0123456789") == std::string::npos;
  return number ? "cuda:" + word : word;
}

}  // namespace fewstep
