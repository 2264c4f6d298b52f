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
    const auto own = checkpoint.own_original_inference_steps.find(checkpoint.at(steps));
    // Nothing is known of a folder that is not there; its cells are not run.
    const int unknown = CheckpointInfo{}.original_inference_steps;
    grid.original_inference_steps = own == checkpoint.own_original_inference_steps.end() ? unknown : own->second;
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
      for (const int count : steps) {
        const GridSpec times = complete(grid, experiment, checkpoint, count);
        CellKey key = experiment.cell;
        key.checkpoint_name = checkpoint.name;
        key.sampler = name;
        key.steps = count;
        key.omega = one.omega;
        key.given_as_guidance_scale = one.given_as_guidance_scale;
        key.spacing = grid_word(times);
        key.original_inference_steps = times.original_inference_steps;
        key.final_sigma = name_of(final_sigma);
        cells.push_back({std::move(key), checkpoint.at(count)});
      }
}

bool is_name(const CellAxis& axis) { return std::holds_alternative<std::string>(axis.get(CellKey{})); }
double number_of(const CellValue& value) {
  const auto as_double = [](const auto& one) -> double {
    if constexpr (std::is_arithmetic_v<std::remove_cvref_t<decltype(one)>>)
      return static_cast<double>(one);
    else
      return 0;  // a name
  };
  return std::visit(as_double, value);
}

struct Clause {
  const CellAxis* axis;
  std::vector<std::string> values;
  std::vector<double> numbers;  // the same, where the axis' values are numbers
};

bool holds(const Clause& clause, const CellKey& key) {
  const CellValue value = clause.axis->get(key);
  if (const auto* name = std::get_if<std::string>(&value))
    return std::find(clause.values.begin(), clause.values.end(), *name) != clause.values.end();
  const double number = number_of(value);
  return std::any_of(clause.numbers.begin(), clause.numbers.end(),
                     [&](double one) { return std::abs(one - number) < 1e-9; });  // 1 + omega rounds
}

double parse_number(const std::string& text) {
  double value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size())
    throw usage_error("--only", "expected a number, got \"" + text + "\"");
  return value;
}

// A name that no cell has is a slip of the pen, even where another of the clause's values leaves cells.
void check_names(const Clause& clause, std::span<const CellKey> keys) {
  if (keys.empty() || !is_name(*clause.axis)) return;
  std::vector<std::string> names;
  for (const CellKey& key : keys)
    if (const auto name = value_text(*clause.axis, key); !std::count(names.begin(), names.end(), name))
      names.push_back(name);
  for (const std::string& value : clause.values)
    if (!std::count(names.begin(), names.end(), value))
      throw usage_error("--only", fmt::format("{}=: {}", clause.axis->name,
                                              unknown_name(value, std::span<const std::string>(names))));
}

std::vector<Clause> parse_only(const std::string& only) {
  std::vector<Clause> clauses;
  std::istringstream words(only);
  for (std::string word; words >> word;) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals + 1 == word.size())
      throw usage_error("--only", "expected clauses such as sampler=lcm steps=4,8, got \"" + word + "\"");
    const std::string name = word.substr(0, equals);
    index_of_name(names_of(kCellAxes, [](const CellAxis& axis) { return axis.has(kClause); }), name, "--only");
    Clause clause{&cell_axis(name), {}, {}};
    std::istringstream values(word.substr(equals + 1));
    for (std::string value; std::getline(values, value, ',');) clause.values.push_back(value);
    if (!is_name(*clause.axis))
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

std::vector<bool> which_fit(std::span<const CellKey> keys, const std::string& only) {
  const std::vector<Clause> clauses = parse_only(only);
  for (const Clause& clause : clauses) check_names(clause, keys);
  std::vector<bool> which;
  for (const CellKey& key : keys)
    which.push_back(
        std::all_of(clauses.begin(), clauses.end(), [&](const Clause& clause) { return holds(clause, key); }));
  if (std::count(which.begin(), which.end(), true) == 0)
    throw usage_error("--only", "expected clauses that leave a cell, got \"" + only + "\"; --dry-run lists the cells");
  return which;
}

std::vector<Cell> select(std::vector<Cell> cells, const std::string& only) {
  std::vector<CellKey> keys;
  for (const Cell& cell : cells) keys.push_back(cell.key);
  const std::vector<bool> which = which_fit(keys, only);
  std::size_t i = 0;
  std::erase_if(cells, [&](const Cell&) { return !which[i++]; });
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

GridOptions grid_of(const CellKey& key, const CheckpointInfo& checkpoint) {
  GridOptions options;
  options.steps = key.steps;
  options.grid = grid_spec(key);
  options.final_sigma = parse_final_sigma(key.final_sigma);
  options.family = find_by_name(kSamplers, key.sampler, "sampler").family;
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

}  // namespace fewstep
