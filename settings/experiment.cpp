#include "settings/experiment.h"

#include "core/error.h"
#include "core/names.h"
#include "settings/experiment_check.h"
#include "settings/known_names.h"
#include "settings/recipe_file.h"
#include "settings/toml/table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace fewstep {
namespace {

using Path = std::filesystem::path;

constexpr int kMaxSteps = 1000;

// Reads the sections of one file.
class Reader {
 public:
  Reader(const toml::table& root, const Path& file, const std::string& only)
      : file_(file),
        only_(only),
        root_(root, file.string(), "the experiment",
              {"name", "seed", "prompts", "reference", "checkpoint", "distill", "grid", "metric", "timing", "images"}) {
  }

  Experiment read() {
    experiment_.name = name_of_file(root_, "name");
    experiment_.seed = static_cast<std::uint64_t>(root_.integer("seed", 0, std::numeric_limits<std::int64_t>::max()));
    read_prompts();
    read_reference();
    read_checkpoints();
    read_distill();
    read_grid();
    read_metrics();
    read_timing();
    read_images();
    check_guidance();
    places_.steps = places_.steps.empty() ? root_.where("grid") : places_.steps;
    check_experiment(experiment_, places_, only_);
    experiment_.canonical_json = canonical_json(experiment_);
    return std::move(experiment_);
  }

 private:
  // A name becomes a file name and a word of --only.
  std::string name_of_file(const TomlTable& table, std::string_view key) {
    const std::string name = table.text(key);
    const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) {
      return std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '+';
    });
    if (!plain || name[0] == '.' || name[0] == '-' || name.size() > 100)
      table.expected(*table.find(key), "letters, digits, \"-\", \"_\", \".\", \"+\" for " + std::string(key));
    return name;
  }

  Path path_at(const TomlTable& table, std::string_view key) { return remember(table.text(key), table.where(key)); }
  Path remember(const std::string& text, const std::string& where) {
    if (text.find('\0') != std::string::npos) throw usage_error(where, "expected a path, got one with a NUL byte");
    Path path = (file_.parent_path() / text).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();  // "folder/"
    places_.paths.emplace(path, where);
    return path;
  }

  TomlTable section(std::string_view key, std::initializer_list<std::string_view> known) {
    const toml::table* table = root_.table(key);
    if (!table) throw usage_error(root_.file(), "expected a table [" + std::string(key) + "], found none");
    return TomlTable(*table, root_.file(), "[" + std::string(key) + "]", known);
  }

  static void refuse(const TomlTable& table, std::initializer_list<std::string_view> keys, const std::string& reason) {
    for (const std::string_view key : keys)
      if (table.has(key)) table.fail(*table.find(key), "expected " + std::string(key) + reason);
  }

  // builtin = "shapes" with split and style; nothing where it is absent.
  std::optional<ShapesQuery> read_builtin(const TomlTable& table) {
    if (!table.has("builtin")) {
      refuse(table, {"split", "style"}, " beside builtin alone");
      return std::nullopt;
    }
    constexpr std::array<std::string_view, 1> kBuiltin{"shapes"};
    const std::string name = table.text("builtin");
    if (name != kBuiltin[0]) throw usage_error(table.where("builtin"), unknown_name(name, kBuiltin));
    ShapesQuery shapes;
    if (const auto split = table.optional_text("split"))
      shapes.split = parse_at<ShapeSplit>(*split, table.where("split"), parse_shape_split);
    if (const auto style = table.optional_text("style"))
      shapes.style = parse_at<ShapeStyle>(*style, table.where("style"), parse_shape_style);
    return shapes;
  }

  void read_prompts() {
    const TomlTable table = section("prompts", {"file", "builtin", "text", "where", "split", "style", "count",
                                                "images_per_prompt", "negative_prompt"});
    PromptQuery& query = experiment_.prompts;
    if (table.has("file") == table.has("builtin"))
      throw usage_error(table.where("builtin"), "in [prompts]: expected file = \"…\" or builtin = \"shapes\", found " +
                                                    std::string(table.has("file") ? "both" : "none"));
    query.shapes = read_builtin(table);
    if (query.shapes)
      refuse(table, {"text", "where"}, " beside file alone");
    else
      query.file = path_at(table, "file");
    query.text = table.optional_text("text");
    if (table.has("count") || query.shapes) query.count = table.integer("count", 1, 1'000'000'000);
    experiment_.images_per_prompt = static_cast<int>(table.integer("images_per_prompt", 1, 10'000, 1));
    experiment_.negative_prompt = table.optional_text("negative_prompt").value_or("");
    for (const toml::table* row : table.tables("where")) query.where.push_back(read_filter(table, *row));
  }

  RowFilter read_filter(const TomlTable& prompts, const toml::table& row) {
    const TomlTable table(row, prompts.file(), "prompts.where", {"column", "at_least", "at_most"});
    RowFilter filter;
    filter.column = table.text("column");
    const auto at_least = table.optional_number("at_least"), at_most = table.optional_number("at_most");
    if (!at_least && !at_most) throw usage_error(table.where(), "expected at_least, at_most or both, found none");
    if (at_least) filter.at_least = *at_least;
    if (at_most) filter.at_most = *at_most;
    if (filter.at_least > filter.at_most) table.expected(*table.find("at_least"), "at_least <= at_most");
    return filter;
  }

  void read_reference() {
    if (!root_.has("reference")) return;
    const TomlTable table = section(
        "reference", {"images", "statistics", "builtin", "assume_protocol", "split", "style", "count", "first"});
    const int given = int{table.has("images")} + int{table.has("statistics")} + int{table.has("builtin")};
    if (given != 1)
      throw usage_error(table.where("builtin"),
                        "in [reference]: expected images (a folder), statistics (an .npz) or builtin "
                        "(\"shapes\"), got " +
                            std::string(given == 0 ? "none" : "more than one"));
    read_reference_shapes(table);
    if (table.has("images")) experiment_.reference_images = path_at(table, "images");
    if (table.has("statistics")) experiment_.reference_statistics = path_at(table, "statistics");
    experiment_.assume_protocol = table.boolean("assume_protocol", false);
    if (!experiment_.reference_statistics && table.has("assume_protocol"))
      table.fail(*table.find("assume_protocol"), "expected assume_protocol beside statistics, got it beside " +
                                                     std::string(table.has("images") ? "images" : "builtin"));
  }

  void read_reference_shapes(const TomlTable& table) {
    const auto scenes = read_builtin(table);
    if (!scenes) return refuse(table, {"count", "first"}, " beside builtin alone");
    ReferenceShapes reference{*scenes};
    reference.count = table.integer("count", 2, 10'000'000, reference.count);
    reference.first = table.integer("first", 0, 1'000'000'000'000, reference.first);
    experiment_.reference_shapes = reference;
  }

  void read_checkpoints() {
    const auto tables = root_.tables("checkpoint");
    if (tables.empty() && root_.tables("distill").empty())
      throw usage_error(root_.file(), "expected at least one [[checkpoint]] or [[distill]], found none");
    for (const toml::table* node : tables) {
      const TomlTable table(
          *node, root_.file(), "[[checkpoint]]",
          {"name", "path", "samplers", "steps", "omega", "guidance_scale", "original_inference_steps"});
      ExperimentCheckpoint checkpoint;
      checkpoint.name = name_of_file(table, "name");
      read_path(table, checkpoint);
      const auto samplers = table.texts("samplers");
      if (!samplers) table.require("samplers", "[ … ]");
      for (const auto& [name, where] : *samplers) {
        find_known_sampler(name, where);
        checkpoint.samplers.push_back(name);
        places_.samplers[{checkpoint.name, name}] = where;
      }
      add_checkpoint(table, std::move(checkpoint));
    }
  }

  // What [[checkpoint]] and [[distill]] share.
  void add_checkpoint(const TomlTable& table, ExperimentCheckpoint checkpoint) {
    for (const ExperimentCheckpoint& other : experiment_.checkpoints)
      if (other.name == checkpoint.name) table.expected(*table.find("name"), "each checkpoint's name once");
    checkpoint.steps = read_steps(table);
    if (table.has("steps")) places_.checkpoint_steps[checkpoint.name] = table.where("steps");
    checkpoint.guidance = read_guidance(table);
    if (table.has("original_inference_steps")) checkpoint.original_inference_steps = read_originals(table);
    places_.checkpoints[checkpoint.name] = table.where();
    experiment_.checkpoints.push_back(std::move(checkpoint));
  }

  // Trained first: one checkpoint for every skip step and every iteration count at which it is evaluated.
  void read_distill() {
    for (const toml::table* node : root_.tables("distill")) {
      const TomlTable table(*node, root_.file(), "[[distill]]",
                            {"name", "recipe", "set", "skip_step", "evaluate_at", "steps", "omega", "guidance_scale",
                             "original_inference_steps"});
      const std::string name = name_of_file(table, "name");
      std::vector<std::string> settings;
      if (const auto given = table.texts("set"))
        for (const auto& [setting, where] : *given) settings.push_back(setting);
      const Path recipe = path_at(table, "recipe");
      if (!std::filesystem::is_regular_file(recipe))
        throw input_error(table.where("recipe"), "expected a recipe, found no file at " + recipe.string());
      const auto skip_steps = table.integers("skip_step", 1, kMaxSteps);
      if (!skip_steps)
        add_training(table, name, recipe, settings, 0);
      else
        for (const auto& [k, where] : *skip_steps)
          add_training(table, name + std::to_string(k), recipe, settings, static_cast<int>(k));
    }
  }

  void add_training(const TomlTable& table, const std::string& name, const Path& file,
                    std::vector<std::string> settings, int skip_step) {
    const Path output = std::filesystem::absolute(Path("results") / (experiment_.name + ".trained") / name);
    settings.push_back("output=" + output.string());
    const std::string method = read_recipe(file, settings).method;
    if (method != "lcd" && method != "lcf" && method != "guided-distill")
      throw usage_error(table.where("recipe"), "expected a recipe of lcd, lcf or guided-distill, got one of " + method);
    const bool staged = method == "guided-distill";
    for (const char* key : {"skip_step", "evaluate_at"})
      if (staged && table.has(key))
        table.fail(*table.find(key), "expected no " + std::string(key) + " for guided-distill");
    if (skip_step > 0) settings.push_back(method + ".skip_step=" + std::to_string(skip_step));
    std::vector<std::int64_t> iterations;
    if (const auto given = table.integers("evaluate_at", 1, 1'000'000'000)) {
      std::string list;
      for (const auto& [step, where] : *given) {
        iterations.push_back(step);
        list += (list.empty() ? "" : ", ") + std::to_string(step);
      }
      settings.push_back("train.keep_at=[" + list + "]");
    }
    const Recipe recipe = read_recipe(file, settings);
    if (!std::is_sorted(iterations.begin(), iterations.end()) ||
        (!iterations.empty() && iterations.back() > recipe.train.steps))
      table.expected(*table.find("evaluate_at"),
                     "rising numbers up to the recipe's train.steps = " + std::to_string(recipe.train.steps));
    ExperimentCheckpoint checkpoint;
    checkpoint.training = experiment_.training.size();
    checkpoint.samplers = {staged ? "guided-distill" : "lcm"};
    for (const int steps : recipe.guided_distill.students)
      checkpoint.by_steps[steps] = output / (std::to_string(steps) + "-steps");
    // Sampled at times that it was trained at; of a list of skip steps also on the grids that all share.
    const int own = kMaxSteps / static_cast<int>(recipe.consistency.skip_step);
    std::vector<int>& originals = checkpoint.original_inference_steps;
    if (skip_step > 0 && !table.has("original_inference_steps")) {
      originals = grid_originals();
      if (std::find(originals.begin(), originals.end(), own) == originals.end()) originals.push_back(own);
    }
    if (iterations.empty()) iterations.push_back(0);
    for (const std::int64_t step : iterations) {
      checkpoint.name = step > 0 ? name + "-" + std::to_string(step) : name;
      if (!staged) {
        checkpoint.path = step > 0 ? kept_folder(recipe, step) : output;
        checkpoint.own_original_steps = {{checkpoint.path, own}};
      }
      for (const std::string& sampler : checkpoint.samplers)
        places_.samplers[{checkpoint.name, sampler}] = table.where();
      add_checkpoint(table, checkpoint);
    }
    experiment_.training.push_back(recipe);
  }

  void read_path(const TomlTable& table, ExperimentCheckpoint& checkpoint) {
    const toml::node& node = table.require("path", "\"folder\" or { STEPS = \"folder\", … }");
    if (!node.is_table()) {
      checkpoint.path = path_at(table, "path");
      return;
    }
    if (node.as_table()->empty()) table.expected(node, "a folder for at least one step count in path");
    for (const auto& [key, value] : *node.as_table()) {
      int steps = 0;
      const std::string_view text = key.str();
      const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), steps);
      if (failure != std::errc() || end != text.data() + text.size() || steps < 1 || steps > kMaxSteps)
        table.fail(value, "expected step counts as keys of path, got \"" + std::string(text) + "\"");
      if (checkpoint.by_steps.contains(steps))  // "1" and "01"
        table.fail(value, "expected each step count once in path, got " + std::to_string(steps) + " twice");
      if (!value.is_string() || value.as_string()->get().empty()) table.expected(value, "a folder in path");
      checkpoint.by_steps[steps] = remember(value.as_string()->get(), place_of(value, table.file()));
    }
  }

  std::vector<int> read_steps(const TomlTable& table) {
    std::vector<int> steps;
    const auto values = table.integers("steps", 1, kMaxSteps);
    if (values)
      for (const auto& value : *values) steps.push_back(static_cast<int>(value.value));
    return steps;
  }

  // Of [grid], which is read later.
  std::vector<int> grid_originals() {
    const TomlTable grid = grid_section();
    return grid.has("original_inference_steps") ? read_originals(grid) : experiment_.original_inference_steps;
  }

  TomlTable grid_section() {
    return section("grid", {"steps", "spacing", "final_sigma", "omega", "guidance_scale", "original_inference_steps"});
  }

  std::vector<int> read_originals(const TomlTable& table) {
    std::vector<int> originals;
    const auto values = table.integers("original_inference_steps", 1, kMaxSteps);
    for (const auto& value : *values) originals.push_back(static_cast<int>(value.value));
    return originals;
  }

  std::vector<Guidance> read_guidance(const TomlTable& table) {
    if (table.has("omega") && table.has("guidance_scale")) {
      table.fail(*table.find("guidance_scale"),
                 "expected omega or guidance_scale, got both: they are one knob, guidance_scale = 1 + omega");
    }
    const bool scale = table.has("guidance_scale");
    const auto values = scale ? table.numbers("guidance_scale", 0, 1000) : table.numbers("omega", -1, 999);
    std::vector<Guidance> guidance;
    if (values)
      for (const auto& value : *values) guidance.push_back({scale ? value.value - 1 : value.value, scale});
    return guidance;
  }

  void read_grid() {
    const TomlTable table = grid_section();
    experiment_.steps = read_steps(table);
    if (table.has("steps")) places_.steps = table.where("steps");
    if (const auto spacings = table.texts("spacing")) {
      experiment_.spacing.clear();
      for (const auto& [name, where] : *spacings) {
        experiment_.spacing.push_back(parse_at<Spacing>(name, where, parse_spacing));
        places_.spacing[experiment_.spacing.back()] = where;
      }
    }
    if (const auto name = table.optional_text("final_sigma"))
      experiment_.final_sigma = parse_at<FinalSigma>(*name, table.where("final_sigma"), parse_final_sigma);
    experiment_.guidance = read_guidance(table);
    if (table.has("original_inference_steps")) experiment_.original_inference_steps = read_originals(table);
  }

  template <typename T>
  T parse_at(const std::string& name, const std::string& where, T (*parse)(std::string_view)) {
    try {
      return parse(name);
    } catch (const Error& error) {
      const std::string_view what = error.what();
      throw usage_error(where, what.substr(what.find("] ") + 2));
    }
  }

  void check_guidance() {
    for (const ExperimentCheckpoint& checkpoint : experiment_.checkpoints) {
      const std::string who = " for checkpoint " + checkpoint.name;
      if (checkpoint.guidance.empty() && experiment_.guidance.empty())
        throw usage_error(root_.where("grid"), "in [grid]: expected omega = [ … ] or guidance_scale = [ … ]" + who);
      if (checkpoint.steps.empty() && experiment_.steps.empty())
        throw usage_error(root_.where("grid"), "in [grid]: expected steps = [ … ]" + who);
    }
  }

  void read_metrics() {
    for (const toml::table* node : root_.tables("metric")) {
      const TomlTable table(*node, root_.file(), "[[metric]]", {"name", "protocol", "weights", "model"});
      ExperimentMetric metric;
      metric.name = table.text("name");
      const KnownMetric& known = find_known_metric(metric.name, table.where("name"));
      metric.protocol = table.optional_text("protocol").value_or(std::string(known.protocols.front()));
      if (std::find(known.protocols.begin(), known.protocols.end(), metric.protocol) == known.protocols.end())
        throw usage_error(table.where("protocol"), unknown_name(metric.protocol, known.protocols));
      const std::string_view other = known.model_key == "weights" ? "model" : "weights";
      if (table.has(other))
        table.fail(*table.find(other),
                   "expected " + std::string(known.model_key) + " for " + metric.name + ", got " + std::string(other));
      (known.model_key == "weights" ? metric.weights : metric.model) = path_at(table, known.model_key);
      if (known.needs_reference && !experiment_.has_reference())
        throw usage_error(
            table.where(),
            metric.name + " compares with a reference: expected [reference] images = …, statistics = … or builtin = …");
      for (const ExperimentMetric& given : experiment_.metrics)
        if (given.name == metric.name && given.protocol == metric.protocol)
          table.fail(*table.find("name"),
                     "expected each metric and protocol once, got " + metric.name + " " + metric.protocol + " twice");
      experiment_.metrics.push_back(std::move(metric));
    }
  }

  void read_timing() {
    if (!root_.has("timing")) return;
    const TomlTable table = section("timing", {"batch", "warmup", "repetitions"});
    Timing timing;
    if (const auto batches = table.integers("batch", 1, 4096)) {
      timing.batch.clear();
      for (const auto& value : *batches) timing.batch.push_back(static_cast<int>(value.value));
    }
    timing.warmup = static_cast<int>(table.integer("warmup", 0, 10'000, timing.warmup));
    timing.repetitions = static_cast<int>(table.integer("repetitions", 1, 1'000'000, timing.repetitions));
    experiment_.timing = timing;
  }

  void read_images() {
    if (!root_.has("images")) return;
    const TomlTable table = section("images", {"height", "width", "keep"});
    experiment_.height = static_cast<int>(table.integer("height", 8, 16'384, 0));
    experiment_.width = static_cast<int>(table.integer("width", 8, 16'384, 0));
    if (table.has("height") != table.has("width"))
      throw usage_error(table.where(), "in [images]: expected height and width together, got one of them");
    if (const toml::node* keep = table.find("keep"); keep && keep->is_integer())
      experiment_.keep_images = table.integer("keep", 0, 1'000'000'000);
    else if (keep && !keep->is_boolean())
      table.expected(*keep, "true, false or a number of prompts for keep");
    else
      experiment_.keep_images = table.boolean("keep", false) ? Experiment::kEvery : 0;
  }

  Path file_;
  std::string only_;
  TomlTable root_;
  Experiment experiment_;
  ExperimentPlaces places_;
};

}  // namespace

const Path& ExperimentCheckpoint::path_for(int step_count) const {
  if (by_steps.empty()) return path;
  const auto found = by_steps.find(step_count);
  if (found == by_steps.end()) {
    throw usage_error("checkpoint " + name,
                      "expected a folder for " + std::to_string(step_count) + " steps in path, found none");
  }
  return found->second;
}

Experiment read_experiment(const Path& toml, const std::vector<std::string>& overrides, const std::string& only) {
  const Path file = std::filesystem::absolute(toml).lexically_normal();
  const toml::table root = read_toml(file, overrides);
  return Reader(root, file, only).read();
}

}  // namespace fewstep
