#include "settings/experiment.h"

#include "core/error.h"
#include "core/names.h"
#include "samplers/catalog.h"
#include "settings/experiment_check.h"
#include "settings/experiment_rows.h"
#include "settings/methods.h"
#include "settings/toml/kinds.h"
#include "settings/weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

// Reads the tables of one file.
class Reader {
 public:
  Reader(const toml::table& root, const Path& file, const std::string& only, Faults& faults, const Path& trained)
      : file_{file},
        only_(only),
        trained_(trained),
        faults_(faults),
        root_(root, file.string(), "the experiment",
              {"name", "seed", "prompts", "reference", "checkpoint", "distill", "grid", "metric", "timing", "images"}) {
  }

  Experiment read() {
    fields::read(root_, rows::kExperiment, experiment_, file_);
    read_prompts();
    read_reference();
    const TomlTable grid = root_.section("grid", fields::keys(rows::kAxes, rows::kGrid));
    fields::read(grid, rows::kAxes, experiment_, file_);
    fields::read(grid, rows::kGrid, experiment_, file_);
    if (root_.tables("checkpoint").empty() && root_.tables("distill").empty())
      throw usage_error(root_.file(), "expected at least one [[checkpoint]] or [[distill]], found none");
    for (const toml::table* row : root_.tables("checkpoint")) read_checkpoint(*row);
    for (const toml::table* row : root_.tables("distill")) read_distill(*row);
    check_axes(grid);
    for (const toml::table* row : root_.tables("metric")) read_metric(*row);
    if (root_.has("timing")) {
      const TomlTable table = root_.section("timing", fields::keys(rows::kTiming));
      fields::read(table, rows::kTiming, experiment_.timing.emplace(), file_);
    }
    read_images();
    check_experiment(experiment_, {file_.places, grid, tables_}, only_, faults_);
    experiment_.canonical_json = canonical_json(experiment_);
    return std::move(experiment_);
  }

 private:
  void read_prompts() {
    const TomlTable table =
        root_.section("prompts", fields::keys(rows::kFilePrompts, kSceneFields, rows::kEveryPrompt));
    PromptQuery& query = experiment_.prompts;
    if (table.has("file") == table.has("builtin"))
      throw usage_error(table.where("builtin"), "in [prompts]: expected file = \"…\" or builtin = \"shapes\", found " +
                                                    std::string(table.has("file") ? "both" : "none"));
    if (table.has("builtin")) {
      fields::read(table, kSceneFields, query.shapes.emplace(), file_);
      table.refuse({"text", "where"}, "expected {} beside file alone");
      fields::read(table, rows::kScenePrompts, query, file_);
    } else {
      table.refuse({"split", "style"}, "expected {} beside builtin alone");
      fields::read(table, rows::kFilePrompts, query, file_);
    }
    fields::read(table, rows::kEveryPrompt, experiment_, file_);
  }

  void read_reference() {
    if (!root_.has("reference")) return;
    const TomlTable table =
        root_.section("reference", fields::keys(rows::kReference, kSceneFields, rows::kReferenceScenes));
    const int given = int{table.has("images")} + int{table.has("statistics")} + int{table.has("builtin")};
    if (given != 1)
      throw usage_error(table.where("builtin"),
                        "in [reference]: expected images (a folder), statistics (an .npz) or builtin "
                        "(\"shapes\"), got " +
                            std::string(given == 0 ? "none" : "more than one"));
    if (table.has("builtin")) {
      ReferenceShapes& shapes = experiment_.reference_shapes.emplace();
      fields::read(table, kSceneFields, shapes.scenes, file_);
      fields::read(table, rows::kReferenceScenes, shapes, file_);
    } else {
      table.refuse({"split", "style", "count", "first"}, "expected {} beside builtin alone");
    }
    fields::read(table, rows::kReference, experiment_, file_);
    if (!experiment_.reference_statistics)
      table.refuse({"assume_protocol"}, "expected {} beside statistics, got it beside " +
                                            std::string(table.has("images") ? "images" : "builtin"));
    if (experiment_.floor && experiment_.reference_statistics)
      table.refuse({"floor"}, "expected {} beside images or builtin: statistics hold no images that could be held out");
  }

  void read_checkpoint(const toml::table& row) {
    const TomlTable table(row, root_.file(), "[[checkpoint]]", fields::keys(rows::kCheckpoint, rows::kAxes));
    ExperimentCheckpoint checkpoint;
    fields::read(table, rows::kCheckpoint, checkpoint, file_);
    add_checkpoint(table, std::move(checkpoint));
  }

  // What [[checkpoint]] and [[distill]] share.
  void add_checkpoint(const TomlTable& table, ExperimentCheckpoint checkpoint) {
    if (tables_.contains(checkpoint.name)) table.expected(*table.find("name"), "each checkpoint's name once");
    const auto originals = std::move(checkpoint.original_inference_steps);
    fields::read(table, rows::kAxes, checkpoint, file_);
    if (!table.has("original_inference_steps")) checkpoint.original_inference_steps = originals;
    tables_.emplace(checkpoint.name, table);
    experiment_.checkpoints.push_back(std::move(checkpoint));
  }

  // Trained first: one checkpoint for every skip step and every iteration count at which it is evaluated.
  void read_distill(const toml::table& row) {
    const TomlTable table(row, root_.file(), "[[distill]]", fields::keys(rows::kDistill, rows::kAxes));
    rows::Distill given;
    fields::read(table, rows::kDistill, given, file_);
    if (!std::filesystem::is_regular_file(given.recipe))
      throw input_error(table.where("recipe"), "expected a recipe, found no file at " + given.recipe.string());
    given.set.push_back("output=" + trained_folder(given.name).string());  // the recipe need not say one
    Recipe recipe = read_recipe(given.recipe, given.set);
    const MethodInfo& method = method_of(recipe);
    if (method.sampler.empty())
      throw usage_error(table.where("recipe"),
                        "expected a recipe of " +
                            listed(names_of(kMethods, [](auto& one) { return !one.sampler.empty(); }), "or") +
                            ", got one of " + recipe.method);
    if (method.staged) table.refuse({"skip_step", "evaluate_at"}, "expected no {} for guided-distill");
    if (table.has("evaluate_at")) recipe.train.keep_at = given.evaluate_at;
    if (!std::is_sorted(given.evaluate_at.begin(), given.evaluate_at.end()) ||
        (!given.evaluate_at.empty() && given.evaluate_at.back() > recipe.train.steps))
      table.expected(*table.find("evaluate_at"),
                     fmt::format("rising numbers up to the recipe's train.steps = {}", recipe.train.steps));
    if (given.skip_step.empty()) return add_training(table, given, given.name, recipe);
    for (const int k : given.skip_step)
      add_training(table, given, fmt::format("{}{}", given.name, k), with_skip_step(recipe, k));
  }

  Path trained_folder(const std::string& name) const {
    return std::filesystem::absolute(trained_.empty() ? Path("results") / (experiment_.name + ".trained") : trained_) /
           name;
  }

  void add_training(const TomlTable& table, const rows::Distill& given, const std::string& name, Recipe recipe) {
    recipe.output = trained_folder(name);
    const MethodInfo& method = method_of(recipe);
    ExperimentCheckpoint checkpoint;
    checkpoint.training = experiment_.training.size();
    checkpoint.samplers = {std::string(method.sampler)};
    if (method.staged)
      for (const int steps : recipe.guided_distill.students)
        checkpoint.by_steps[steps] = recipe.output / (fmt::format("{}-steps", steps));
    // Sampled at times that it was trained at; of a list of skip steps also on the grids that all share.
    const int own = rows::kMaxSteps / static_cast<int>(recipe.consistency.skip_step);
    if (!given.skip_step.empty()) {
      std::vector<int>& originals = checkpoint.original_inference_steps = experiment_.original_inference_steps;
      if (std::find(originals.begin(), originals.end(), own) == originals.end()) originals.push_back(own);
    }
    std::vector<std::int64_t> iterations = given.evaluate_at;
    if (iterations.empty()) iterations.push_back(0);
    for (const std::int64_t step : iterations) {
      checkpoint.name = step > 0 ? fmt::format("{}-{}", name, step) : name;
      if (!method.staged) {
        checkpoint.path = step > 0 ? kept_folder(recipe, step) : recipe.output;
        checkpoint.own_original_inference_steps = {{checkpoint.path, own}};
      }
      add_checkpoint(table, checkpoint);
    }
    experiment_.training.push_back(std::move(recipe));
  }

  void check_axes(const TomlTable& grid) const {
    for (const ExperimentCheckpoint& checkpoint : experiment_.checkpoints) {
      const std::string who = " for checkpoint " + checkpoint.name;
      if (checkpoint.guidance.empty() && experiment_.guidance.empty())
        throw usage_error(grid.where(), "in [grid]: expected omega = [ … ] or guidance_scale = [ … ]" + who);
      if (checkpoint.steps.empty() && experiment_.steps.empty())
        throw usage_error(grid.where(), "in [grid]: expected steps = [ … ]" + who);
    }
  }

  void read_metric(const toml::table& row) {
    const TomlTable table(row, root_.file(), "[[metric]]", fields::keys(rows::kMetric));
    MetricSettings metric;
    metric.name = table.text("name");
    const MetricInfo& info = find_by_name(kMetrics, metric.name, table.where("name"));
    for (const auto key : {"weights", "model"})
      if (key != info.network.key)
        table.refuse({key}, "expected " + std::string(info.network.key) + " for " + metric.name + ", got {}");
    if (!table.has(info.network.key)) {
      metric.network = find_network(info.network, file_.file.parent_path());
      if (metric.network.empty())
        throw usage_error(table.where(), "expected " + std::string(info.network.key) + " = \"…\" for " + metric.name +
                                             ", " + std::string(info.network.expected) + "; " +
                                             how_to_name(info.network));
    }
    metric.protocol = info.protocols.front().name;
    fields::read(table, rows::kMetric, metric, file_);
    index_of_name(names_of(info.protocols), without_precision(metric.protocol), table.where("protocol"));
    if (info.needs_reference && !experiment_.has_reference())
      throw usage_error(
          table.where(),
          metric.name + " compares with a reference: expected [reference] images = …, statistics = … or builtin = …");
    for (const MetricSettings& given : experiment_.metrics)
      if (given.name == metric.name && given.protocol == metric.protocol)
        table.fail(*table.find("name"),
                   "expected each metric and protocol once, got " + metric.name + " " + metric.protocol + " twice");
    experiment_.metrics.push_back(std::move(metric));
  }

  void read_images() {
    if (!root_.has("images")) return;
    const TomlTable table = root_.section("images", fields::keys(rows::kImages));
    fields::read(table, rows::kImages, experiment_, file_);
    if (table.has("height") != table.has("width"))
      throw usage_error(table.where(), "in [images]: expected height and width together, got one of them");
  }

  SettingsFile file_;
  std::string only_;
  Path trained_;
  Faults& faults_;
  TomlTable root_;
  Experiment experiment_;
  std::map<std::string, TomlTable> tables_;  // by name of checkpoint
};

}  // namespace

CheckpointRef ExperimentCheckpoint::at(int step_count) const {
  if (by_steps.empty()) return path;
  const auto found = by_steps.find(step_count);
  if (found == by_steps.end()) {
    throw usage_error("checkpoint " + name,
                      fmt::format("expected a folder for {} steps in path, found none", step_count));
  }
  return found->second;
}

Experiment read_experiment(const Path& toml, const std::vector<std::string>& overrides, const std::string& only,
                           Faults* faults, const Path& trained) {
  const Path file = std::filesystem::absolute(toml).lexically_normal();
  const toml::table root = read_toml(file, overrides);
  expect_kind(FileKind::kExperiment, root, file.string());
  Faults own;
  Experiment experiment = Reader(root, file, only, faults ? *faults : own, trained).read();
  own.finish(file.string());
  return experiment;
}

}  // namespace fewstep
