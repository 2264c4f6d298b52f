#include "settings/cells.h"

#include "core/error.h"
#include "core/known_mistakes.h"
#include "core/names.h"
#include "core/warnings.h"
#include "samplers/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>

namespace fewstep {
namespace {

std::vector<Spacing> spacings_for(const SamplerInfo& sampler, const Experiment& experiment) {
  const bool lcm = sampler.kind == CheckpointKind::kConsistency;
  std::vector<Spacing> own;
  if (sampler.takes_spacing || lcm) {
    std::copy_if(experiment.spacing.begin(), experiment.spacing.end(), std::back_inserter(own),
                 [&](Spacing spacing) { return is_lcm(spacing) == lcm; });
  }
  if (own.empty()) own = {lcm ? Spacing::kLcm : Spacing::kTrailing};
  return own;
}

// The grids of a checkpoint and sampler; what depends on the step count is filled in by complete().
std::vector<GridSpec> grids_for(const SamplerInfo& sampler, const Experiment& experiment,
                                const ExperimentCheckpoint& checkpoint) {
  if (!experiment.times_for(checkpoint).empty()) return {GridSpec{}};
  const std::vector<int> none = {0};
  const auto& given = checkpoint.original_inference_steps.empty() ? experiment.original_inference_steps
                                                                  : checkpoint.original_inference_steps;
  const bool lcm = sampler.kind == CheckpointKind::kConsistency;
  std::vector<GridSpec> grids;
  for (const Spacing spacing : spacings_for(sampler, experiment))
    for (const int original : !lcm || given.empty() ? none : given) grids.push_back({spacing, original});
  return grids;
}

// A grid at so many steps: its given times, or the points that the checkpoint itself names for lcm.
GridSpec complete(GridSpec grid, const Experiment& experiment, const ExperimentCheckpoint& checkpoint, int steps) {
  if (const auto& times = experiment.times_for(checkpoint); !times.empty()) {
    grid.times = times.at(steps);
  } else if (is_lcm(grid.spacing) && grid.original_inference_steps == 0) {
    const auto own = checkpoint.own_original_steps.find(checkpoint.path_for(steps));
    // Nothing is known of a folder that is not there; its cells are not run.
    const int unknown = CheckpointInfo{}.original_inference_steps;
    grid.original_inference_steps = own == checkpoint.own_original_steps.end() ? unknown : own->second;
  }
  return grid;
}

// All cells of one checkpoint and sampler.
void expand_sampler(const Experiment& experiment, const ExperimentCheckpoint& checkpoint, const std::string& name,
                    std::vector<Cell>& cells) {
  const SamplerInfo& sampler = find_by_name(kSamplers, name, "sampler");
  const bool lcm = sampler.kind == CheckpointKind::kConsistency;
  const auto& guidance = checkpoint.guidance.empty() ? experiment.guidance : checkpoint.guidance;
  const auto& steps = checkpoint.steps.empty() ? experiment.steps : checkpoint.steps;
  // A consistency model ends at x0 whatever the grid says.
  const FinalSigma final_sigma = lcm ? FinalSigma::kZero : experiment.final_sigma;
  for (const GridSpec& grid : grids_for(sampler, experiment, checkpoint))
    for (const Guidance& one : guidance)
      for (const int count : steps)
        cells.push_back({checkpoint.name, checkpoint.path_for(count), name, count, one,
                         complete(grid, experiment, checkpoint, count), final_sigma});
}

constexpr std::array<std::string_view, 8> kOnlyKeys{
    "checkpoint", "sampler", "steps", "omega", "guidance_scale", "spacing", "final_sigma", "original_inference_steps"};

// The name of a cell under a key; nothing where the key's values are numbers.
std::optional<std::string> name_under(const std::string& key, const Cell& cell) {
  if (key == "checkpoint") return cell.checkpoint;
  if (key == "sampler") return cell.sampler;
  if (key == "spacing") return grid_word(cell.grid);
  if (key == "final_sigma") return std::string(name_of(cell.final_sigma));
  return std::nullopt;
}

double number_under(const std::string& key, const Cell& cell) {
  if (key == "steps") return cell.steps;
  if (key == "original_inference_steps") return cell.grid.original_inference_steps;
  return cell.guidance.omega + (key == "guidance_scale" ? 1 : 0);
}

struct Clause {
  std::string key;
  std::vector<std::string> values;
  std::vector<double> numbers;  // the same, where the key's values are numbers
};

bool holds(const Clause& clause, const Cell& cell) {
  if (const auto name = name_under(clause.key, cell))
    return std::find(clause.values.begin(), clause.values.end(), *name) != clause.values.end();
  const double number = number_under(clause.key, cell);
  return std::any_of(clause.numbers.begin(), clause.numbers.end(),
                     [&](double value) { return std::abs(value - number) < 1e-9; });  // 1 + omega rounds
}

double parse_number(const std::string& text) {
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size())
    throw usage_error("--only", "expected a number, got \"" + text + "\"");
  return value;
}

// A name that no cell has is a slip of the pen, even where another of the clause's values leaves cells.
void check_names(const Clause& clause, const std::vector<Cell>& cells) {
  if (cells.empty() || !name_under(clause.key, cells[0])) return;
  std::vector<std::string> names;
  for (const Cell& cell : cells)
    if (const auto name = *name_under(clause.key, cell); !std::count(names.begin(), names.end(), name))
      names.push_back(name);
  for (const std::string& value : clause.values)
    if (!std::count(names.begin(), names.end(), value))
      throw usage_error("--only", clause.key + "=: " + unknown_name(value, std::span<const std::string>(names)));
}

std::vector<Clause> parse_only(const std::string& only) {
  std::vector<Clause> clauses;
  std::istringstream words(only);
  for (std::string word; words >> word;) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals + 1 == word.size())
      throw usage_error("--only", "expected clauses such as sampler=lcm steps=4,8, got \"" + word + "\"");
    Clause clause{word.substr(0, equals), {}, {}};
    index_of_name(kOnlyKeys, clause.key, "--only");
    std::istringstream values(word.substr(equals + 1));
    for (std::string value; std::getline(values, value, ',');) clause.values.push_back(value);
    if (!name_under(clause.key, Cell{}))
      for (const std::string& value : clause.values) clause.numbers.push_back(parse_number(value));
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

void check_only(const std::string& only) { parse_only(only); }

std::vector<Cell> select(std::vector<Cell> cells, const std::string& only) {
  const std::vector<Clause> clauses = parse_only(only);
  for (const Clause& clause : clauses) check_names(clause, cells);
  for (const Clause& clause : clauses) std::erase_if(cells, [&](const Cell& cell) { return !holds(clause, cell); });
  if (cells.empty())
    throw usage_error("--only", "expected clauses that leave a cell, got \"" + only + "\"; --dry-run lists the cells");
  return cells;
}

bool is_fit(const SamplerInfo& sampler, const CheckpointInfo& checkpoint, const GridSpec& grid) {
  return sampler.kind == checkpoint.kind || (sampler.kind == CheckpointKind::kConsistency &&
                                             checkpoint.kind == CheckpointKind::kTeacher && !grid.times.empty());
}

void tell_lcm_on_teacher(const std::string& where, const SamplerInfo& sampler, const CheckpointInfo& checkpoint) {
  if (sampler.kind != CheckpointKind::kConsistency || checkpoint.kind != CheckpointKind::kTeacher) return;
  warn(where, fmt::format("{} runs at the given times on a checkpoint whose scheduler is {}: as LCMScheduler would, "
                          "with timestep_scaling {:.6g}",
                          sampler.name, checkpoint.scheduler, checkpoint.timestep_scaling));
}

GridOptions grid_of(const Cell& cell, const CheckpointInfo& checkpoint) {
  GridOptions options;
  options.steps = cell.steps;
  options.grid = cell.grid;
  options.final_sigma = cell.final_sigma;
  options.family = find_by_name(kSamplers, cell.sampler, "sampler").family;
  options.steps_offset = checkpoint.steps_offset;
  return options;
}

Error unfit_sampler(const std::string& where, const std::string& sampler, const CheckpointInfo& checkpoint) {
  const bool lcm = find_by_name(kSamplers, sampler, "sampler").kind == CheckpointKind::kConsistency;
  return usage_error(
      where, fmt::format("expected a sampler that fits {}, a {} checkpoint ({}), got {}{}", checkpoint.folder.string(),
                         name_of(checkpoint.kind), samplers_for(checkpoint.kind), sampler,
                         lcm ? remedy(KnownMistake::kStudentUnderAnotherScheduler) : ""));
}

void tell_negative_guidance(const std::string& where, const Guidance& guidance, const CheckpointInfo& checkpoint) {
  // A network that takes ω as an input takes any, in diffusers, too.
  if (!guidance.given_as_guidance_scale || guidance.omega >= 0 || checkpoint.omega_embedding) return;
  warn(where,
       fmt::format("guidance_scale = {:.12g} is negative guidance, omega = {:.12g}; diffusers switches guidance off "
                   "below 1, which is guidance_scale = 1 here",
                   guidance.omega + 1, guidance.omega));
}

std::string label_of(const Cell& cell) {
  const Guidance& guidance = cell.guidance;
  std::string label = fmt::format("checkpoint={} sampler={} steps={} {}={:.12g}", cell.checkpoint, cell.sampler,
                                  cell.steps, guidance.given_as_guidance_scale ? "guidance_scale" : "omega",
                                  guidance.omega + guidance.given_as_guidance_scale);
  const bool lcm = cell.grid.original_inference_steps > 0;
  if (!cell.grid.times.empty() || cell.grid.spacing != (lcm ? Spacing::kLcm : Spacing::kTrailing))
    label += fmt::format(" spacing={}", grid_word(cell.grid));
  if (cell.final_sigma != FinalSigma::kZero) label += fmt::format(" final_sigma={}", name_of(cell.final_sigma));
  if (lcm && cell.grid.original_inference_steps != 50)
    label += fmt::format(" original_inference_steps={}", cell.grid.original_inference_steps);
  return label;
}

}  // namespace fewstep
