#include "core/error.h"
#include "core/names.h"
#include "harness/experiment.h"
#include "harness/known_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <sstream>

namespace fewstep {
namespace {

std::vector<Spacing> spacings_for(const KnownSampler& sampler, const Experiment& experiment) {
  const bool lcm = sampler.kind == CheckpointInfo::Kind::kConsistency;
  std::vector<Spacing> own;
  if (sampler.takes_spacing || lcm) {
    std::copy_if(experiment.spacing.begin(), experiment.spacing.end(), std::back_inserter(own),
                 [&](Spacing spacing) { return is_lcm(spacing) == lcm; });
  }
  if (own.empty()) own = {lcm ? Spacing::kLcm : Spacing::kTrailing};
  return own;
}

// All cells of one checkpoint and sampler.
void expand_sampler(const Experiment& experiment, const ExperimentCheckpoint& checkpoint, const std::string& name,
                    std::vector<Cell>& cells) {
  const KnownSampler& sampler = find_known_sampler(name, "sampler");
  const bool lcm = sampler.kind == CheckpointInfo::Kind::kConsistency;
  const std::vector<int> no_original = {0};
  const auto& originals = lcm ? experiment.original_inference_steps : no_original;
  const auto& guidance = checkpoint.guidance.empty() ? experiment.guidance : checkpoint.guidance;
  const auto& steps = checkpoint.steps.empty() ? experiment.steps : checkpoint.steps;
  // A consistency model ends at x0 whatever the grid says.
  const FinalSigma final_sigma = lcm ? FinalSigma::kZero : experiment.final_sigma;
  for (const Spacing spacing : spacings_for(sampler, experiment)) {
    for (const int original : originals) {
      for (const Guidance& one : guidance) {
        for (const int count : steps) {
          cells.push_back({checkpoint.name, checkpoint.path_for(count), name, count, one, std::string(name_of(spacing)),
                           std::string(name_of(final_sigma)), original});
        }
      }
    }
  }
}

constexpr std::array<std::string_view, 8> kOnlyKeys{
    "checkpoint", "sampler", "steps", "omega", "guidance_scale", "spacing", "final_sigma", "original_inference_steps"};

bool same_number(const std::string& text, double number) {
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size())
    throw usage_error("--only", "expected a number, got \"" + text + "\"");
  return std::abs(value - number) < 1e-9;  // guidance_scale is kept as omega + 1
}

bool holds(const Cell& cell, const std::string& key, const std::string& value) {
  if (key == "checkpoint") return cell.checkpoint == value;
  if (key == "sampler") return cell.sampler == value;
  if (key == "spacing") return cell.spacing == value;
  if (key == "final_sigma") return cell.final_sigma == value;
  if (key == "steps") return same_number(value, cell.steps);
  if (key == "original_inference_steps") return same_number(value, cell.original_inference_steps);
  if (key == "guidance_scale") return same_number(value, 1 + cell.guidance.omega);
  return same_number(value, cell.guidance.omega);
}

struct Clause {
  std::string key;
  std::vector<std::string> values;
};

std::vector<Clause> parse_only(const std::string& only) {
  std::vector<Clause> clauses;
  std::istringstream words(only);
  for (std::string word; words >> word;) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals + 1 == word.size())
      throw usage_error("--only", "expected clauses such as sampler=lcm steps=4,8, got \"" + word + "\"");
    Clause clause{word.substr(0, equals), {}};
    if (std::find(kOnlyKeys.begin(), kOnlyKeys.end(), clause.key) == kOnlyKeys.end())
      throw usage_error("--only", unknown_name(clause.key, kOnlyKeys));
    std::istringstream values(word.substr(equals + 1));
    for (std::string value; std::getline(values, value, ',');) clause.values.push_back(value);
    clauses.push_back(std::move(clause));
  }
  return clauses;
}

}  // namespace

std::vector<Cell> expand(const Experiment& experiment) {
  std::vector<Cell> cells;
  for (const ExperimentCheckpoint& checkpoint : experiment.checkpoints)
    for (const std::string& sampler : checkpoint.samplers) expand_sampler(experiment, checkpoint, sampler, cells);
  return cells;
}

std::vector<Cell> select(std::vector<Cell> cells, const std::string& only) {
  for (const auto& [key, values] : parse_only(only)) {
    std::erase_if(cells, [&key = key, &values = values](const Cell& cell) {
      return std::none_of(values.begin(), values.end(), [&](const auto& value) { return holds(cell, key, value); });
    });
  }
  if (cells.empty())
    throw usage_error("--only", "expected clauses that leave a cell, got \"" + only + "\"; --dry-run lists the cells");
  return cells;
}

GridOptions grid_of(const Cell& cell, const CheckpointInfo& checkpoint) {
  GridOptions options;
  options.steps = cell.steps;
  options.spacing = parse_spacing(cell.spacing);
  options.final_sigma = parse_final_sigma(cell.final_sigma);
  options.family = find_known_sampler(cell.sampler, "sampler").family;
  options.steps_offset = checkpoint.steps_offset;
  if (cell.original_inference_steps > 0) options.original_inference_steps = cell.original_inference_steps;
  return options;
}

std::string label_of(const Cell& cell) {
  const Guidance& guidance = cell.guidance;
  std::string label = fmt::format("checkpoint={} sampler={} steps={} {}={:g}", cell.checkpoint, cell.sampler,
                                  cell.steps, guidance.given_as_guidance_scale ? "guidance_scale" : "omega",
                                  guidance.omega + guidance.given_as_guidance_scale);
  const bool lcm = cell.original_inference_steps > 0;
  if (cell.spacing != (lcm ? "lcm" : "trailing")) label += " spacing=" + cell.spacing;
  if (cell.final_sigma != "zero") label += " final_sigma=" + cell.final_sigma;
  if (lcm && cell.original_inference_steps != 50)
    label += fmt::format(" original_inference_steps={}", cell.original_inference_steps);
  return label;
}

}  // namespace fewstep
