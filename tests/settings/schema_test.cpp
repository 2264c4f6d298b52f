// experiments/schema.md, the ready-made experiments and README.md say what the program reads.
#include "core/files.h"
#include "experiment_files.h"
#include "samplers/catalog.h"
#include "settings/cells.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

namespace fewstep {
namespace {

namespace fs = std::filesystem;

std::string source_file(const std::string& name) { return read_file(fs::path(FEWSTEP_SOURCE_DIR) / name); }

// The text of the first ```toml block.
std::string toml_block(const std::string& markdown) {
  const std::string fence = "\n```toml\n";
  const auto begin = markdown.find(fence) + fence.size(), end = markdown.find("\n```\n", begin);
  return markdown.substr(begin, end + 1 - begin);
}

// What stands under "## HEADING".
std::string section(const std::string& markdown, const std::string& heading) {
  const auto begin = markdown.find("\n## " + heading + "\n");
  if (begin == std::string::npos) return {};
  return markdown.substr(begin, markdown.find("\n## ", begin + 1) - begin);
}

// The first column of a section's table of keys.
std::set<std::string> documented_keys(const std::string& text) {
  std::set<std::string> keys;
  const std::string header = "| key | type | default | meaning |\n|---|---|---|---|\n";
  auto at = text.find(header);
  if (at == std::string::npos) return keys;
  for (at += header.size(); text.compare(at, 3, "| `") == 0; at = text.find('\n', at) + 1)
    keys.insert(text.substr(at + 3, text.find('`', at + 3) - at - 3));
  return keys;
}

class Documentation : public testing::Test {
 protected:
  // Reads an experiment of the documentation; paths that lead nowhere get what they should hold, as their names say.
  Experiment read_with_everything_there(const std::string& text, const std::string& name) {
    const fs::path file = folder_.write(name, text);
    for (int missing = 0; missing < 50; ++missing) {
      try {
        return read_experiment(file);
      } catch (const Error& error) {
        std::string what = error.what();
        const std::string marker = "found nothing at ";
        if (error.code() != ExitCode::kInput || what.find(marker) == std::string::npos) throw;
        const auto line = what.rfind('\n', what.find(marker)) + 1;  // of several faults the first
        what = what.substr(line, what.find('\n', line) - line);
        const auto at = what.find(marker);
        provide(what.substr(at + marker.size(), what.find(';', at) - at - marker.size()),
                what.find("expected a folder") != std::string::npos);
      }
    }
    throw std::runtime_error("names more than 50 missing paths");
  }

  TemporaryFolder folder_;

 private:
  void provide(const fs::path& path, bool is_folder) const {
    if (!fs::weakly_canonical(path).string().starts_with(fs::canonical(folder_.path()).string()))
      throw std::runtime_error("names a path that is not there: " + path.string());
    fs::create_directories(path.parent_path());
    const std::string name = path.filename().string();
    const auto is = [&](std::string_view part) { return name.find(part) != std::string::npos; };
    if (!is_folder && is("."))
      std::ofstream(path) << "";
    else if (is("clip") || is("features") || is("image") || is("laion") || is("coco"))
      fs::create_directory(path);
    else
      fs::create_directory_symlink(golden_checkpoint(is("lcm") || is("lcf")                      ? "lcm"
                                                     : is("gd-") || is("guided") || is("-steps") ? "guided-distill"
                                                                                                 : "sd15"),
                                   path);
  }
};

TEST_F(Documentation, HasAnExampleThatIsRead) {
  const Experiment e = read_with_everything_there(toml_block(source_file("experiments/schema.md")), "example.toml");
  EXPECT_EQ(e.name, "lcm-table1-512");
  EXPECT_EQ(e.checkpoints.size(), 4U);
  EXPECT_EQ(e.metrics.size(), 2U);
  EXPECT_EQ(e.prompts.where.size(), 2U);
  EXPECT_TRUE(e.timing);
  EXPECT_EQ(expand(e).size(), 3U * 4 + 2 + 2 * 4 + 4);
}

TEST_F(Documentation, HasAnExampleOfAFirstExperimentThatIsRead) {
  const Experiment e = read_with_everything_there(toml_block(source_file("README.md")), "readme.toml");
  EXPECT_GE(expand(e).size(), 16U);
  EXPECT_GT(e.prompts.count.value_or(0), 2048) << "FID of fewer images than features has a singular covariance";
}

// Every key that the reader knows, and no other, under the heading of its table.
TEST_F(Documentation, NamesEveryKey) {
  const std::string schema = source_file("experiments/schema.md"), example = toml_block(schema);
  read_with_everything_there(example, "example.toml");
  const std::map<std::string, std::string> tables = {{"Top of the file", ""},
                                                     {"[prompts]", "prompts."},
                                                     {"prompts.where", "prompts.where.0."},
                                                     {"[reference]", "reference."},
                                                     {"[[checkpoint]]", "checkpoint.0."},
                                                     {"[grid]", "grid."},
                                                     {"[[metric]]", "metric.0."},
                                                     {"[timing]", "timing."},
                                                     {"[images]", "images."}};
  std::size_t count = 0;
  for (const auto& [heading, prefix] : tables) {
    std::set<std::string> known;
    try {
      read_experiment(folder_.path() / "example.toml", {prefix + "qqqqqqqqqqqqqqqq=1"});
    } catch (const Error& error) {
      const std::string what = error.what(), marker = "; known: ";
      ASSERT_NE(what.find(marker), std::string::npos) << what;
      std::istringstream names(what.substr(what.find(marker) + marker.size()));
      for (std::string name; names >> name;) known.insert(name.substr(0, name.find(',')));
    }
    ASSERT_FALSE(known.empty()) << heading;
    EXPECT_EQ(documented_keys(section(schema, heading)), known) << heading;
    count += known.size();
  }
  EXPECT_GE(count, 53U);
}

// The example shows each key, the commented ones apart.
TEST_F(Documentation, ShowsEveryKeyInItsExample) {
  const std::string schema = source_file("experiments/schema.md"), example = toml_block(schema);
  for (const char* heading : {"Top of the file", "[prompts]", "prompts.where", "[reference]", "[[checkpoint]]",
                              "[grid]", "[[metric]]", "[timing]", "[images]"}) {
    for (const std::string& key : documented_keys(section(schema, heading)))
      EXPECT_TRUE(example.find(key + " =") != std::string::npos || example.find("[" + key + "]") != std::string::npos)
          << heading << " " << key;
  }
}

TEST_F(Documentation, NamesEverySamplerMetricProtocolAndSpacing) {
  const std::string schema = source_file("experiments/schema.md");
  for (const SamplerInfo& sampler : kSamplers)
    EXPECT_THAT(section(schema, "[[checkpoint]]"), testing::HasSubstr("| `" + std::string(sampler.name) + "` | a "));
  for (const MetricInfo& metric : kMetrics) {
    std::string row = "| `" + std::string(metric.name) + "` | ";
    for (const std::string_view protocol : names_of(metric.protocols))
      row += (protocol == metric.protocols.front().name ? "`" : ", `") + std::string(protocol) + "`";
    EXPECT_THAT(section(schema, "[[metric]]"), testing::HasSubstr(row + " |"));
  }
  for (const Spacing spacing :
       {Spacing::kTrailing, Spacing::kLeading, Spacing::kLinspace, Spacing::kLcm, Spacing::kLcmOriginal})
    EXPECT_THAT(section(schema, "[grid]"), testing::HasSubstr("`" + std::string(name_of(spacing)) + "`"));
}

TEST_F(Documentation, QuotesTheErrorThatIsGiven) {
  const std::string schema = source_file("experiments/schema.md"), example = toml_block(schema);
  const auto begin = schema.find("unknown name \"cuont\""), end = schema.find('\n', begin);
  folder_.write("example.toml", edited(example, "\ncount =", "\ncuont ="));
  EXPECT_FEWSTEP_ERROR(read_experiment(folder_.path() / "example.toml"), ExitCode::kUsage,
                       schema.substr(begin, end - begin));
}

// The names that stores know configurations by: "NAME SHA-256 JSON" a line. Users' stores hold them, so no change of
// the program may change them.
void expect_frozen(const std::string& golden, const std::map<std::string, std::string>& canonical) {
  std::string text;
  for (const auto& [name, json] : canonical) text += name + " " + sha256(json) + " " + json + "\n";
  const fs::path path = fs::path(FEWSTEP_TEST_DATA) / "settings" / golden;
  if (std::getenv("FEWSTEP_REMAKE_GOLDEN")) write_file_atomically(path, text);
  EXPECT_EQ(text, read_file(path)) << "remake with: FEWSTEP_REMAKE_GOLDEN=1 " << FEWSTEP_BINARY_DIR
                                   << "/fewstep_settings_tests, where a ready-made file itself was changed";
}

// Those of the repository, beside checkpoints as they are named there; what they name in tests/ is there.
TEST_F(Documentation, ComesWithExperimentsThatAreReadAsEver) {
  fs::create_directory_symlink(fs::path(FEWSTEP_SOURCE_DIR) / "tests", folder_.path() / "tests");
  for (const char* part : {"recipes", "networks"}) {
    fs::create_directory(folder_.path() / "pocket");
    fs::create_directory_symlink(fs::path(FEWSTEP_SOURCE_DIR) / "pocket" / part, folder_.path() / "pocket" / part);
  }
  std::map<std::string, std::string> canonical;
  for (const auto& entry : fs::directory_iterator(fs::path(FEWSTEP_SOURCE_DIR) / "experiments")) {
    if (entry.path().extension() != ".toml") continue;
    const std::string name = entry.path().filename().string();
    const Experiment e = read_with_everything_there(read_file(entry.path()), "experiments/" + name);
    EXPECT_EQ(e.name + ".toml", name);
    EXPECT_FALSE(expand(e).empty());
    std::string& json = canonical[name] = e.canonical_json;
    // Students are trained into results/ below the working directory.
    for (const std::string& folder : {folder_.path().string() + "/", fs::current_path().string() + "/"})
      for (auto at = json.find(folder); at != std::string::npos; at = json.find(folder, at))
        json.replace(at, folder.size(), "/");
  }
  expect_frozen("experiments.txt", canonical);
}

TEST_F(Documentation, ComesWithRecipesThatAreReadAsEver) {
  std::map<std::string, std::string> canonical;
  for (const auto& entry : fs::directory_iterator(fs::path(FEWSTEP_SOURCE_DIR) / "pocket" / "recipes"))
    if (entry.path().extension() == ".toml")
      canonical[entry.path().filename().string()] = read_recipe(entry.path()).canonical_json;
  expect_frozen("recipes.txt", canonical);
}

}  // namespace
}  // namespace fewstep
