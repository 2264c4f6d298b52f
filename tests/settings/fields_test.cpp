// Every key of an experiment and a recipe is one row; these tests run over the rows by themselves.
#include "settings/fields.h"
#include "core/files.h"
#include "experiment_files.h"
#include "samplers/catalog.h"
#include "settings/recipe.h"
#include "settings/schema.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <map>
#include <set>

namespace fewstep {
namespace {

using nlohmann::json;

enum class Fruit { kApple, kPear };
constexpr std::array<std::string_view, 2> kFruits{"apple", "pear"};
constexpr std::string_view name_of(Fruit fruit) { return kFruits[static_cast<std::size_t>(fruit)]; }

struct Inner {
  double rate = 0.5;
};
struct Probe {
  int count = 3;
  std::string name;
  std::optional<std::string> note;
  std::filesystem::path file;
  Fruit fruit = Fruit::kApple;
  std::vector<int> steps = {1};
  bool loud = false;
  Inner inner;
  int late = 0;
};
constexpr std::array kProbe{
    fields::integer<&Probe::count>("count", 1, 10, ""),
    fields::text<&Probe::name>("name", "").required(),
    fields::text<&Probe::note>("note", ""),
    fields::path<&Probe::file>("file", ""),
    fields::choice<&Probe::fruit>("fruit", kFruits, ""),
    fields::integers<&Probe::steps>("steps", 1, 9, ""),
    fields::boolean<&Probe::loud>("loud", "").not_hashed(),
    fields::number<&Probe::inner, &Inner::rate>("rate", 0, 1, ""),
    fields::integer<&Probe::late>("late", 0, 9, "").later(),
};

struct Read {
  Probe probe;
  json record;
};
Read read_probe(const std::string& text) {
  const toml::table root = toml::parse(text, std::string("/a/probe.toml"));
  const TomlTable table(root, "/a/probe.toml", "the probe", fields::keys(kProbe));
  SettingsFile file{"/a/probe.toml"};
  Read result;
  result.record = fields::read(table, kProbe, result.probe, file);
  return result;
}

TEST(Fields, ReadWhatIsGivenAndKeepDefaultsElsewhere) {
  const auto [probe, record] = read_probe(
      "name = 'x'\nfile = 'b/../c/'\nfruit = 'pear'\nsteps = [4, 2]\nrate = 1\nloud = true\nnote = 'n'\ncount = 7");
  EXPECT_EQ(probe.count, 7);
  EXPECT_EQ(probe.note, "n");
  EXPECT_EQ(probe.file, "/a/c");
  EXPECT_EQ(probe.fruit, Fruit::kPear);
  EXPECT_THAT(probe.steps, testing::ElementsAre(4, 2));
  EXPECT_TRUE(probe.loud);
  EXPECT_EQ(probe.inner.rate, 1);
  // A path stands in the record as it stands in the file; what is not hashed stands not.
  EXPECT_EQ(record, json::parse(R"({"count": 7, "name": "x", "note": "n", "file": "b/../c/", "fruit": "pear",
                                    "steps": [4, 2], "rate": 1.0})"));
  const Probe least = read_probe("name = 'x'").probe;
  EXPECT_EQ(least.count, 3);
  EXPECT_EQ(least.note, std::nullopt);
  EXPECT_TRUE(least.file.empty());
  EXPECT_EQ(least.inner.rate, 0.5);
}

TEST(AKeyThatCameLater, IsHashedOffItsDefaultAlone) {
  const json before = read_probe("name = 'x'").record;
  EXPECT_FALSE(before.contains("late"));
  EXPECT_EQ(read_probe("name = 'x'\nlate = 0").record, before);
  EXPECT_EQ(read_probe("name = 'x'\nlate = 5").record.at("late"), 5);
}

TEST(Fields, RefuseWhatIsMissingOutOfBoundsOrNoChoice) {
  const auto refused = [](const std::string& text, const std::string& message) {
    EXPECT_FEWSTEP_ERROR(read_probe(text), ExitCode::kUsage, message);
  };
  refused("count = 1", "in the probe: expected name = \"…\", found none");
  refused("name = 'x'\ncount = 11", "probe.toml:2:9] expected a whole number from 1 to 10 for count, got 11");
  refused("name = 'x'\nrate = 1.5", "expected a number from 0 to 1 for rate, got 1.5");
  refused("name = 'x'\nrate = nan", "expected a finite number for rate");
  refused("name = 'x'\nfruit = 'pera'", "2:9] unknown name \"pera\"; did you mean \"pear\"?");
  refused("name = 'x'\nsteps = [1, 10]", "expected whole numbers from 1 to 9 in steps, got 10");
  refused("name = 'x'\nfile = \"a\\u0000b\"", "got one with a NUL byte");
  refused("name = 'x'\nfile = 3", "expected text that is not empty for file, got 3");
}

// A value that the schema of a key allows and that is not its default; nothing where one is not made up easily.
std::optional<std::string> another_value(const json& schema) {
  if (schema.contains("enum") && schema["enum"].size() == 1) return std::nullopt;
  if (schema.contains("enum")) {
    for (const json& name : schema["enum"])
      if (name != schema.value("default", json())) return name.dump();
    return std::nullopt;
  }
  const std::string type = schema.value("type", "");
  if (type == "integer") {
    const std::int64_t some = schema["minimum"].get<std::int64_t>() + 16;  // which no minimum of another table exceeds
    return std::to_string(schema.value("default", some - 1) == some ? some + 1 : some);
  }
  if (type == "number") return schema.value("default", 0.0) == 0.25 ? "0.75" : "0.25";
  return std::nullopt;
}

// Small recipes of every method, with everything there that they name.
class EveryRecipe : public testing::TestWithParam<std::string> {
 protected:
  EveryRecipe() {
    for (const char* name : {"net.json", "other.json", "x"}) folder_.write(name, "{}");
    text_ = "name = 'a'\nmethod = '" + GetParam() +
            "'\nseed = 1\noutput = 'out'\n[data]\nbuiltin = 'shapes'\ncount = 9\n" +
            "[train]\nbatch = 4\nlearning_rate = 1e-4\n";
    if (GetParam() != "guided-distill") text_ += "steps = 10\n";
    text_ += "[" + GetParam() + "]\n";
    const json table = table_of();
    for (const json& key : table.at("required")) {
      const std::string name = key;
      const bool number = table["properties"][name].value("type", "") == "integer";
      text_ += name + " = " + (number ? "5" : "'net.json'") + "\n";
    }
    if (table["properties"].contains("omega")) text_ += "omega = 8\n";
  }
  json table_of() const { return recipe_schema()["properties"][GetParam()]; }
  std::string canonical(const std::vector<std::string>& set = {}) const {
    return read_recipe(folder_.write("recipe.toml", text_), set).canonical_json;
  }

  TemporaryFolder folder_;
  std::string text_;
};

TEST_P(EveryRecipe, IsNamedByEachOfItsSettingsButThoseThatDecideNoWeight) {
  const std::string here = canonical();
  const json root = recipe_schema()["properties"], table = table_of();
  int count = 0;
  for (const std::string& section : {std::string("data"), std::string("train"), GetParam()}) {
    for (const auto& [key, schema] : root[section]["properties"].items()) {
      const auto value = another_value(schema);
      if (!value || (key == "steps" && GetParam() == "guided-distill")) continue;
      const std::string set = section + "." + key + "=" + *value;
      if (schema.contains("$comment")) {  // decides no result
        EXPECT_EQ(canonical({set}), here) << set;
      } else {
        EXPECT_NE(canonical({set}), here) << set;
      }
      ++count;
    }
  }
  EXPECT_GE(count, 9);
  // Where things are kept, and how often, decides no weight.
  for (const char* set : {"output=elsewhere", "data.cache=elsewhere", "train.save_every=3"})
    EXPECT_EQ(canonical({set}), here) << set;
  // Those of shapes of their own.
  EXPECT_NE(canonical({"train.betas=[0.8, 0.9]"}), here);
  EXPECT_NE(canonical({"seed=2"}), here);
  EXPECT_NE(canonical({"dtype=float16"}), here);
  if (table["properties"].contains("omega")) {
    EXPECT_NE(canonical({GetParam() + ".omega=[2, 3]"}), here);
  }
  for (const auto& [key, schema] : table["properties"].items())
    if (schema.value("type", "") == "string") {
      EXPECT_NE(canonical({GetParam() + "." + key + "=other.json"}), here) << key;
    }
}

INSTANTIATE_TEST_SUITE_P(
    Methods, EveryRecipe,
    testing::ValuesIn(recipe_schema()["properties"]["method"]["enum"].get<std::vector<std::string>>()),
    [](const auto& method) {
      std::string name = method.param;
      std::erase(name, '-');
      return name;
    });

// The text under "## HEADING".
std::string section(const std::string& markdown, const std::string& heading) {
  const auto begin = markdown.find("\n## " + heading + "\n");
  if (begin == std::string::npos) return {};
  return markdown.substr(begin, markdown.find("\n## ", begin + 1) - begin);
}

struct DocumentedKey {
  std::string standard;  // the column of defaults
};

// Rows of the table of keys; a row may document several, and say in brackets which method has one.
std::map<std::string, DocumentedKey> documented(const std::string& text) {
  std::map<std::string, DocumentedKey> keys;
  std::istringstream lines(text);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("| key |")) inside = true;
    if (!line.starts_with("|")) inside = false;
    if (!inside || !line.starts_with("| `")) continue;
    std::vector<std::string> cells;
    std::istringstream row(line.substr(2));
    for (std::string cell; std::getline(row, cell, '|');) cells.push_back(cell);
    for (auto at = cells[0].find('`'); at != std::string::npos; at = cells[0].find('`', at)) {
      const auto end = cells[0].find('`', at + 1);
      if (cells[0].compare(at > 1 ? at - 1 : 0, 1, "(") != 0)
        keys[cells[0].substr(at + 1, end - at - 1)] = {cells.at(2)};
      at = end + 1;
    }
  }
  return keys;
}

void expect_documented(const std::string& document, const std::string& heading, const json& schema) {
  const auto keys = documented(section(document, heading));
  const std::set<std::string> required(schema["required"].begin(), schema["required"].end());
  for (const auto& [key, value] : schema["properties"].items()) {
    const auto found = keys.find(key);
    ASSERT_NE(found, keys.end()) << heading << ": no row for " << key;
    const std::string& standard = found->second.standard;
    if (required.contains(key)) {
      EXPECT_THAT(standard, testing::HasSubstr("required")) << heading << ": " << key;
    } else if (value.contains("default") && value["default"].is_primitive()) {
      // A number as it is, large ones with narrow spaces; a name in quotes.
      std::string bare = standard;
      std::erase(bare, ' ');
      const json& own = value["default"];
      std::string text = own.is_number_float() ? own.dump().substr(0, own.dump().find(".0")) : own.dump();
      if (own == 1e-8) text = "1e-8";
      if (own == 1e-6) text = "1e-6";
      if (own == 1e-3) text = "1e-3";
      EXPECT_THAT(bare, testing::HasSubstr(text)) << heading << ": " << key;
    }
  }
}

TEST(SettingsDocumentation, HasARowWithTheDefaultForEveryKeyOfAnExperiment) {
  const std::string document = read_file(std::filesystem::path(FEWSTEP_SOURCE_DIR) / "experiments/schema.md");
  const json root = experiment_schema(), tables = root["properties"];
  expect_documented(document, "Top of the file", root);
  for (const char* table : {"prompts", "reference", "grid", "timing", "images"})
    expect_documented(document, "[" + std::string(table) + "]", tables[table]);
  for (const char* list : {"checkpoint", "distill", "metric"})
    expect_documented(document, "[[" + std::string(list) + "]]", tables[list]["items"]);
  expect_documented(document, "prompts.where", tables["prompts"]["properties"]["where"]["items"]);
}

TEST(SettingsDocumentation, HasARowWithTheDefaultForEveryKeyOfARecipe) {
  const std::string document = read_file(std::filesystem::path(FEWSTEP_SOURCE_DIR) / "experiments/recipes.md");
  const json root = recipe_schema();
  for (const auto& [table, schema] : root["properties"].items()) {
    if (!schema.contains("properties")) continue;
    const bool consistency = table == "lcd" || table == "lcf";
    expect_documented(document, consistency ? "[lcd] and [lcf]" : "[" + table + "]", schema);
  }
  const auto top = documented(section(document, "Top of the file"));
  for (const auto& [key, schema] : root["properties"].items()) EXPECT_TRUE(top.contains(key)) << key;
}

TEST(SettingsSchema, BoundsAndDefaultsAreTheRows) {
  const json train = recipe_schema()["properties"]["train"]["properties"];
  EXPECT_EQ(train["decay"], json::parse(R"({"enum": ["constant", "linear", "cosine"], "default": "constant",
                                            "description": "of the learning rate, in each phase"})"));
  EXPECT_EQ(train["save_every"]["minimum"], 1);
  EXPECT_EQ(train["save_every"]["default"], 500);
  const json experiment = experiment_schema();
  EXPECT_THAT(experiment["required"], testing::UnorderedElementsAre("name", "seed", "prompts", "grid"));
  EXPECT_EQ(experiment["properties"]["checkpoint"]["items"]["properties"]["samplers"]["items"]["enum"],
            json(names_of(kSamplers)));
  EXPECT_FALSE(experiment["properties"]["grid"]["additionalProperties"]);
}

}  // namespace
}  // namespace fewstep
