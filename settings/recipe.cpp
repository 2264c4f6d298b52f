#include "settings/recipe.h"

#include "core/error.h"
#include "settings/methods.h"
#include "settings/scenes.h"
#include "settings/schema.h"
#include "settings/toml/kinds.h"

#include <fmt/format.h>

#include <limits>

namespace fewstep {
namespace {

using Path = std::filesystem::path;
using nlohmann::json;
using rows::kMany;

using namespace fields;

constexpr std::array kTop{
    text<&Recipe::name>("name", "in messages").required(),
    custom<Recipe>(
        "method", "", "a table of that name holds its settings",
        [](const Field<Recipe>&, const TomlTable& table, Recipe& to, SettingsFile&) {
          to.method = find_by_name(kMethods, table.text("method"), table.where("method")).name;
        },
        [](const Recipe& from) -> json { return from.method; }),
    integer<&Recipe::seed>("seed", 0, std::numeric_limits<std::int64_t>::max(),
                           "of first weights, order of the data and all draws")
        .required(),
    path<&Recipe::output>("output", "the folder to write").required().not_hashed(),
    choice<&Recipe::dtype>("dtype", kDtypes, "of the weights that are written"),
};

constexpr auto kData = &Recipe::data;
constexpr std::array kSceneData{
    integer<kData, &TrainingData::count>("count", 1, kMany, "the first so many").required(),
    integer<kData, &TrainingData::resolution>("resolution", kMinShapesImageSize, 4096,
                                              "images are cropped and resized to this square"),
};
constexpr std::array kFileData{
    // Shards may be a pattern, so that their being there is checked where they are opened.
    path<kData, &TrainingData::images>("images", "a folder, or webdataset shards .tar").required(),
    path<kData, &TrainingData::captions>("captions", "a table that names a file and a caption").existing(),
    text<kData, &TrainingData::file_column>("file_column", "the column of file names"),
    text<kData, &TrainingData::text_column>("text_column", "the column of captions"),
    integer<kData, &TrainingData::count>("count", 0, kMany, "the first so many; 0: all"),
    number<kData, &TrainingData::max_left_out>("max_left_out", 0, 1,
                                               "part of the samples that may lack image or caption")
        .not_hashed(),
    integer<kData, &TrainingData::resolution>("resolution", 8, 4096, "images are cropped and resized to this square")
        .required(),
};
constexpr std::array kCache{
    path<kData, &TrainingData::cache>("cache", "where latents and text states are kept").not_hashed()};

constexpr auto kTrain = &Recipe::train;
using Train = OptimizerSettings;

void read_betas(const Field<Recipe>&, const TomlTable& table, Recipe& to, SettingsFile&) {
  const auto betas = table.numbers("betas", 0, 1);
  if (!betas) return;
  if (betas->size() != 2 || betas->at(0).value >= 1 || betas->at(1).value >= 1)
    table.expected(*table.find("betas"), "two numbers from 0 to below 1 for betas");
  to.train.beta1 = betas->at(0).value;
  to.train.beta2 = betas->at(1).value;
}

constexpr std::array kSteps{integer<kTrain, &Train::steps>("steps", 1, kMany, "updates").required()};
constexpr std::array kTraining{
    integer<kTrain, &Train::batch>("batch", 1, 1'000'000, "images of each update").required(),
    number<kTrain, &Train::learning_rate>("learning_rate", 0, 100, "of AdamW").required(),
    custom<Recipe>("betas", R"({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2})",
                   "of AdamW", read_betas,
                   [](const Recipe& from) -> json {
                     return {from.train.beta1, from.train.beta2};
                   }),
    number<kTrain, &Train::eps>("eps", 0, 1, "of AdamW"),
    number<kTrain, &Train::weight_decay>("weight_decay", 0, 100, "of AdamW"),
    number<kTrain, &Train::clip>("clip", 0, 1e9, "of the gradient's norm; 0 does not clip"),
    integer<kTrain, &Train::warmup>("warmup", 0, kMany, "steps of linear rise"),
    choice<kTrain, &Train::decay>("decay", kDecays, "of the learning rate, in each phase"),
    choice<kTrain, &Train::precision>("precision", kPrecisions, "bfloat16: autocast"),
    integer<kTrain, &Train::save_every>("save_every", 1, kMany, "steps between two writings of the state").not_hashed(),
    integers<kTrain, &Train::keep_at>("keep_at", 1, kMany, "steps after which the student is written, too")
        .not_hashed(),
    integer<kTrain, &Train::report_every>("report_every", 1, kMany, "steps that a point of the loss curve averages"),
};

// Rows of one file, with the record of what they hash.
class RecipeReader {
 public:
  RecipeReader(const toml::table& root, const Path& file)
      : file_{file}, root_(root, file.string(), "the recipe", known()) {
    recipe_.file = file;
  }

  Recipe read() {
    record_ = fields::read(root_, kTop, recipe_, file_);
    const MethodInfo& method = method_of(recipe_);
    for (const MethodInfo& other : kMethods)
      if (&other != &method)
        root_.refuse({other.name},
                     "expected no [" + std::string(other.name) + "] in a recipe of method " + recipe_.method);
    add(root_.section(method.name, fields::keys(method.fields)), method.fields);
    read_data(method);
    read_train(method);
    recipe_.canonical_json = record_.dump();
    return std::move(recipe_);
  }

 private:
  static std::vector<std::string_view> known() {
    auto keys = fields::keys(kTop);
    keys.insert(keys.end(), {"data", "train"});
    for (const MethodInfo& method : kMethods) keys.push_back(method.name);
    return keys;
  }

  template <typename Rows>
  void add(const TomlTable& table, const Rows& rows) {
    record_.update(fields::read(table, rows, recipe_, file_));
  }

  void read_data(const MethodInfo& method) {
    const TomlTable table = root_.section("data", fields::keys(kSceneFields, kFileData, kCache));
    add(table, kCache);
    TrainingData& data = recipe_.data;
    if (table.has("builtin") == table.has("images"))
      throw usage_error(table.where(), "in [data]: expected builtin = \"shapes\" or images (a folder or .tar), got " +
                                           std::string(table.has("images") ? "both" : "neither"));
    if (table.has("images")) {
      table.refuse({"split", "style"}, "expected no {} without builtin");
      if (!method.takes_files)
        table.refuse({"images"},
                     "expected builtin = \"shapes\": the feature network learns from scenes whose content is known");
      return add(table, kFileData);
    }
    table.refuse({"captions", "file_column", "text_column"}, "expected no {} beside builtin");
    data.shapes = ShapesQuery{ShapeSplit::kTrain, ShapeStyle::kFilled};
    record_.update(fields::read(table, kSceneFields, *data.shapes, file_));
    add(table, kSceneData);
  }

  void read_train(const MethodInfo& method) {
    const TomlTable table = root_.section("train", fields::keys(kSteps, kTraining));
    if (method.staged)
      table.refuse({"steps"}, "expected stage_one_steps and steps_per_halving in [guided-distill] instead of steps");
    else
      add(table, kSteps);
    add(table, kTraining);
    if (!method.keeps)
      table.refuse({"keep_at"}, "expected keep_at with " +
                                    listed(names_of(kMethods, [](auto& row) { return row.keeps; }), "or") + " alone");
  }

  SettingsFile file_;
  TomlTable root_;
  Recipe recipe_;
  json record_;
};

}  // namespace

namespace rows {

OmegaRange read_omega(const TomlTable& table) {
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
  return range;
}

void read_students(const Field<Recipe>&, const TomlTable& table, Recipe& to, SettingsFile&) {
  const auto values = table.integers("students", 1, 500);
  if (!values) return;
  std::vector<int>& students = to.guided_distill.students;
  students.clear();
  for (const auto& [steps, where] : *values) {
    if (!students.empty() && students.back() != 2 * steps)
      throw usage_error(where, fmt::format("expected half the steps of the student before, got {}", steps));
    students.push_back(static_cast<int>(steps));
  }
}

}  // namespace rows

Recipe read_recipe(const Path& toml, const std::vector<std::string>& overrides) {
  const Path file = std::filesystem::absolute(toml).lexically_normal();
  const toml::table root = read_toml(file, overrides);
  expect_kind(FileKind::kRecipe, root, file.string());
  return RecipeReader(root, file).read();
}

Recipe with_skip_step(Recipe recipe, std::int64_t skip_step) {
  recipe.consistency.skip_step = skip_step;
  json record = json::parse(recipe.canonical_json);
  record["skip_step"] = skip_step;
  recipe.canonical_json = record.dump();
  return recipe;
}

Path cache_folder(const Recipe& recipe) {
  return recipe.data.cache.empty() ? recipe.output.parent_path() / "cache" : recipe.data.cache;
}

Path kept_folder(const Recipe& recipe, std::int64_t step) {
  return fmt::format("{}-at-{}", recipe.output.string(), step);
}

const MethodInfo& method_of(const Recipe& recipe) { return find_by_name(kMethods, recipe.method, "method"); }

std::int64_t all_steps(const Recipe& recipe) {
  const GuidedDistillSettings& staged = recipe.guided_distill;
  if (!method_of(recipe).staged) return recipe.train.steps;
  return staged.stage_one_steps + static_cast<std::int64_t>(staged.students.size()) * staged.steps_per_halving;
}

json recipe_schema() {
  const Recipe defaults;
  json root = json_schema(defaults, kTop);
  root["title"] = "A recipe of fewstep distill";
  json& tables = root["properties"];
  tables["method"] = {{"enum", names_of(kMethods)}, {"description", "a table of that name holds its settings"}};
  tables["data"] = json_schema(defaults, kFileData);
  merge_schema(tables["data"], json_schema(defaults, kCache));
  merge_schema(tables["data"], json_schema(ShapesQuery{ShapeSplit::kTrain, ShapeStyle::kFilled}, kSceneFields));
  tables["data"]["required"] = json::array();  // which keys are depends on builtin
  tables["train"] = json_schema(defaults, kTraining);
  merge_schema(tables["train"], json_schema(defaults, kSteps));
  for (const MethodInfo& method : kMethods) tables[std::string(method.name)] = json_schema(defaults, method.fields);
  for (const char* table : {"data", "train"}) root["required"].push_back(table);
  return root;
}

}  // namespace fewstep
