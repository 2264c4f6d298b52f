#include "settings/recipe_file.h"

#include "core/error.h"
#include "core/names.h"
#include "datasets/shapes.h"
#include "settings/toml/table.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace fewstep {
namespace {

using Path = std::filesystem::path;
using nlohmann::json;

constexpr std::array<std::string_view, 7> kMethods = {"lcd", "lcf",  "guided-distill", "diffusion",
                                                      "vae", "clip", "features"};
constexpr std::int64_t kMany = 1'000'000'000;

class Reader {
 public:
  Reader(const toml::table& root, const Path& file)
      : file_(file),
        root_(root, file.string(), "the recipe",
              {"name", "method", "seed", "output", "dtype", "data", "train", "lcd", "lcf", "guided-distill",
               "diffusion", "vae", "clip", "features"}) {
    recipe_.file = file;
  }

  Recipe read() {
    recipe_.name = root_.text("name");
    recipe_.method = one_of(root_, "method", kMethods, "");
    recipe_.seed = static_cast<std::uint64_t>(root_.integer("seed", 0, std::numeric_limits<std::int64_t>::max()));
    recipe_.output = path_of(root_, "output", false);
    recipe_.dtype =
        one_of(root_, "dtype", std::array<std::string_view, 3>{"float32", "float16", "bfloat16"}, "float32");
    for (const std::string_view method : kMethods)
      if (method != recipe_.method && root_.has(method))
        root_.fail(*root_.find(method),
                   "expected no [" + std::string(method) + "] in a recipe of method " + recipe_.method);
    read_method();
    read_data();
    read_train();
    record_["name"] = recipe_.name;
    record_["method"] = recipe_.method;
    record_["seed"] = recipe_.seed;
    record_["dtype"] = recipe_.dtype;
    recipe_.canonical_json = record_.dump();
    return std::move(recipe_);
  }

 private:
  // A required name of a list, or `fallback` where that is not empty.
  std::string one_of(const TomlTable& table, std::string_view key, std::span<const std::string_view> names,
                     const std::string& fallback) {
    if (!table.has(key) && !fallback.empty()) return fallback;
    const std::string name = table.text(key);
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw usage_error(table.where(key), unknown_name(name, names));
    return name;
  }

  // must_exist: an input. As it stands in the file it goes into the record, so that a recipe means the same everywhere.
  Path path_of(const TomlTable& table, std::string_view key, bool must_exist) {
    const std::string text = table.text(key);
    if (text.find('\0') != std::string::npos)
      throw usage_error(table.where(key), "expected a path, got one with a NUL byte");
    Path path = (file_.parent_path() / text).lexically_normal();
    if (!path.has_filename()) path = path.parent_path();
    std::error_code ignored;
    if (must_exist && !std::filesystem::exists(path, ignored))
      throw input_error(table.where(key), "expected a file or folder, found nothing at " + path.string());
    if (must_exist) record_[std::string(key)] = text;
    return path;
  }

  double number(const TomlTable& table, std::string_view key, double low, double high, double fallback) {
    const double value = table.optional_number(key).value_or(fallback);
    if (!(value >= low && value <= high)) {
      table.expected(*table.find(key),
                     "a number from " + json(low).dump() + " to " + json(high).dump() + " for " + std::string(key));
    }
    record_[std::string(key)] = value;
    return value;
  }

  std::int64_t integer(const TomlTable& table, std::string_view key, std::int64_t low, std::int64_t high,
                       std::optional<std::int64_t> fallback = {}) {
    return record_[std::string(key)] = table.integer(key, low, high, fallback);
  }

  // omega = 8.0, or omega = [2.0, 14.0].
  OmegaRange omega(const TomlTable& table) {
    const toml::node& node = table.require("omega", "a number, or [low, high]");
    OmegaRange range;
    if (node.is_number()) {
      range.low = range.high = *node.value<double>();
    } else {
      const auto values = table.numbers("omega", -1, 999);
      if (values->size() != 2) table.expected(node, "a number, or [low, high] for omega");
      range = {values->at(0).value, values->at(1).value};
    }
    if (!(range.low >= -1 && range.high <= 999 && range.low <= range.high))
      table.expected(node, "-1 <= low <= high <= 999 for omega");
    record_["omega"] = {range.low, range.high};
    return range;
  }

  TomlTable method_table(std::initializer_list<std::string_view> known) {
    const toml::table* table = root_.table(recipe_.method);
    if (!table) throw usage_error(file_.string(), "expected a table [" + recipe_.method + "], found none");
    return TomlTable(*table, file_.string(), "[" + recipe_.method + "]", known);
  }

  void read_method() {
    if (recipe_.method == "lcd") return read_lcd();
    if (recipe_.method == "lcf") return read_lcf();
    if (recipe_.method == "guided-distill") return read_guided_distill();
    if (recipe_.method == "diffusion") return read_diffusion();
    if (recipe_.method == "vae") {
      const TomlTable table = method_table({"network", "l1", "l2", "kl"});
      recipe_.network = path_of(table, "network", true);
      recipe_.vae_loss = {number(table, "l1", 0, 1e6, 1), number(table, "l2", 0, 1e6, 1),
                          number(table, "kl", 0, 1e6, 1e-6)};
      return;
    }
    const bool clip = recipe_.method == "clip";
    const TomlTable table = clip ? method_table({"network", "tokenizer"}) : method_table({"network"});
    recipe_.network = path_of(table, "network", true);
    if (clip && table.has("tokenizer")) recipe_.tokenizer = path_of(table, "tokenizer", true);
  }

  void read_consistency(const TomlTable& table) {
    ConsistencySettings& settings = recipe_.consistency;
    settings.skip_step = integer(table, "skip_step", 1, 1000, 20);
    settings.omega = omega(table);
    settings.omega_embedding_dim = integer(table, "omega_embedding_dim", 4, 4096, 256);
    record_["distance"] = settings.distance =
        one_of(table, "distance", std::array<std::string_view, 2>{"l2", "huber"}, "l2");
    settings.huber_c = number(table, "huber_c", 1e-12, 1e6, 1e-3);
    settings.ema = number(table, "ema", 0, 1, 0.95);
    record_["keep"] = one_of(table, "keep", std::array<std::string_view, 2>{"trained", "average"}, "trained");
    settings.keep_average = record_["keep"] == "average";
  }

  void read_lcd() {
    const TomlTable table = method_table(
        {"teacher", "solver", "skip_step", "omega", "omega_embedding_dim", "distance", "huber_c", "ema", "keep"});
    recipe_.parent = path_of(table, "teacher", true);
    record_["solver"] = recipe_.consistency.solver =
        one_of(table, "solver", std::array<std::string_view, 3>{"ddim", "dpm", "dpm++"}, "ddim");
    read_consistency(table);
  }

  void read_lcf() {
    const TomlTable table =
        method_table({"model", "skip_step", "omega", "omega_embedding_dim", "distance", "huber_c", "ema", "keep"});
    recipe_.parent = path_of(table, "model", true);
    read_consistency(table);
  }

  void read_guided_distill() {
    const TomlTable table =
        method_table({"teacher", "omega", "omega_embedding_dim", "stage_one_steps", "steps_per_halving", "students"});
    GuidedDistillSettings& settings = recipe_.guided_distill;
    recipe_.parent = path_of(table, "teacher", true);
    settings.omega = omega(table);
    settings.omega_embedding_dim = integer(table, "omega_embedding_dim", 4, 4096, 256);
    settings.stage_one_steps = integer(table, "stage_one_steps", 1, kMany);
    settings.steps_per_halving = integer(table, "steps_per_halving", 1, kMany);
    settings.students = {8, 4, 2, 1};
    if (const auto values = table.integers("students", 1, 500)) {
      settings.students.clear();
      for (const auto& [steps, where] : *values) {
        if (!settings.students.empty() && settings.students.back() != 2 * steps)
          throw usage_error(where, "expected half the steps of the student before, got " + std::to_string(steps));
        settings.students.push_back(static_cast<int>(steps));
      }
    }
    record_["students"] = settings.students;
  }

  void read_diffusion() {
    const TomlTable table =
        method_table({"network", "vae", "text_encoder", "tokenizer", "prediction", "caption_dropout", "ema"});
    recipe_.network = path_of(table, "network", true);
    recipe_.vae = path_of(table, "vae", true);
    recipe_.text_encoder = path_of(table, "text_encoder", true);
    recipe_.tokenizer = path_of(table, "tokenizer", true);
    DiffusionSettings& settings = recipe_.diffusion;
    record_["prediction"] = settings.prediction =
        one_of(table, "prediction", std::array<std::string_view, 2>{"epsilon", "v_prediction"}, "epsilon");
    settings.caption_dropout = number(table, "caption_dropout", 0, 1, 0.1);
    settings.ema = number(table, "ema", 0, 1, 0.999);
  }

  TomlTable section(std::string_view key, std::initializer_list<std::string_view> known) {
    const toml::table* table = root_.table(key);
    if (!table) throw usage_error(file_.string(), "expected a table [" + std::string(key) + "], found none");
    return TomlTable(*table, file_.string(), "[" + std::string(key) + "]", known);
  }

  void read_data() {
    const TomlTable table = section("data", {"builtin", "split", "style", "images", "captions", "file_column",
                                             "text_column", "count", "resolution", "cache"});
    TrainingData& data = recipe_.data;
    data.cache = table.has("cache") ? path_of(table, "cache", false) : recipe_.output.parent_path() / "cache";
    if (table.has("builtin") == table.has("images"))
      throw usage_error(table.where(), "in [data]: expected builtin = \"shapes\" or images (a folder or .tar), got " +
                                           std::string(table.has("images") ? "both" : "neither"));
    if (table.has("images")) return read_files(table);
    for (const char* key : {"captions", "file_column", "text_column"})
      if (table.has(key)) table.fail(*table.find(key), "expected no " + std::string(key) + " beside builtin");
    record_["builtin"] = data.builtin = one_of(table, "builtin", std::array<std::string_view, 1>{"shapes"}, "");
    record_["split"] = data.split =
        one_of(table, "split", std::array<std::string_view, 3>{"train", "validation", "test"}, "train");
    record_["style"] = data.style =
        one_of(table, "style", std::array<std::string_view, 2>{"filled", "outline"}, "filled");
    data.count = integer(table, "count", 1, kMany);
    data.resolution = static_cast<int>(integer(table, "resolution", kMinShapesImageSize, 4096, kShapesImageSize));
  }

  void read_files(const TomlTable& table) {
    TrainingData& data = recipe_.data;
    for (const char* key : {"split", "style"})
      if (table.has(key)) table.fail(*table.find(key), "expected no " + std::string(key) + " without builtin");
    if (recipe_.method == "features")
      table.fail(*table.find("images"),
                 "expected builtin = \"shapes\": the feature network learns from scenes whose content is known");
    // Shards may be a pattern, so that their being there is checked where they are opened.
    data.images = path_of(table, "images", false);
    record_["images"] = table.text("images");
    if (table.has("captions")) data.captions = path_of(table, "captions", true);
    data.file_column = table.optional_text("file_column");
    data.text_column = table.optional_text("text_column");
    record_["file_column"] = data.file_column ? json(*data.file_column) : json();
    record_["text_column"] = data.text_column ? json(*data.text_column) : json();
    data.count = integer(table, "count", 0, kMany, 0);
    data.resolution = static_cast<int>(integer(table, "resolution", 8, 4096));
  }

  void read_train() {
    const TomlTable table = section("train", {"steps", "batch", "learning_rate", "betas", "eps", "weight_decay", "clip",
                                              "warmup", "decay", "precision", "save_every", "report_every", "keep_at"});
    OptimizerSettings& train = recipe_.train;
    const bool staged = recipe_.method == "guided-distill";
    if (staged && table.has("steps"))
      table.fail(*table.find("steps"),
                 "expected stage_one_steps and steps_per_halving in [guided-distill] instead of steps");
    if (!staged) train.steps = integer(table, "steps", 1, kMany);
    train.batch = integer(table, "batch", 1, 1'000'000);
    table.require("learning_rate", "a number");
    train.learning_rate = number(table, "learning_rate", 0, 100, 0);
    if (const auto betas = table.numbers("betas", 0, 1)) {
      if (betas->size() != 2 || betas->at(0).value >= 1 || betas->at(1).value >= 1)
        table.expected(*table.find("betas"), "two numbers from 0 to below 1 for betas");
      train.beta1 = betas->at(0).value;
      train.beta2 = betas->at(1).value;
    }
    record_["betas"] = {train.beta1, train.beta2};
    train.eps = number(table, "eps", 0, 1, 1e-8);
    train.weight_decay = number(table, "weight_decay", 0, 100, 0.01);
    train.clip = number(table, "clip", 0, 1e9, 1);
    train.warmup = integer(table, "warmup", 0, kMany, 0);
    record_["decay"] = train.decay =
        one_of(table, "decay", std::array<std::string_view, 3>{"constant", "linear", "cosine"}, "constant");
    record_["precision"] = train.precision =
        one_of(table, "precision", std::array<std::string_view, 2>{"float32", "bfloat16"}, "float32");
    train.save_every = table.integer("save_every", 1, kMany, 500);
    if (const auto steps = table.integers("keep_at", 1, kMany)) {
      if (recipe_.method != "lcd" && recipe_.method != "lcf")
        table.fail(*table.find("keep_at"), "expected keep_at with lcd or lcf alone");
      for (const auto& [step, where] : *steps) train.keep_at.push_back(step);
    }
    train.report_every = integer(table, "report_every", 1, kMany, 10);
  }

  Path file_;
  TomlTable root_;
  Recipe recipe_;
  json record_ = json::object();
};

}  // namespace

Recipe read_recipe(const Path& toml, const std::vector<std::string>& overrides) {
  const Path file = std::filesystem::absolute(toml).lexically_normal();
  const toml::table root = read_toml(file, overrides);
  return Reader(root, file).read();
}

}  // namespace fewstep
