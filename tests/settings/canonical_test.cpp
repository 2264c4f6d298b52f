#include "core/files.h"
#include "experiment_files.h"

#include <nlohmann/json.hpp>

#include <map>

namespace fewstep {
namespace {

class CanonicalJson : public ExperimentFolder {
 protected:
  std::string hash(const std::string& text, const std::vector<std::string>& set = {}) const {
    return sha256(read(text, set).canonical_json);
  }
};

TEST_F(CanonicalJson, DoesNotDependOnHowTheFileIsWritten) {
  const std::string other = R"(# another order, other spellings of the same values
[images]
keep = true
width = 0x300
height = 512
[timing]
repetitions = 1_0
warmup = 3
batch = [ 1 ]
[[metric]]
weights = './inception.safetensors'
name = "fid"
[[metric]]
model = "clip/"
protocol = "transformers"
name = "clip-score"
[grid]
original_inference_steps = [50]
omega = [8]
steps = [
  1, 2,  # few
  4, 8,
]
[reference]
images = "laion"
[prompts]
negative_prompt = "blurry"
images_per_prompt = 3
count = 10_000
text = "\u0063aption"
file = "clip/../captions.tsv"
[[prompts.where]]
at_most = 9.5
at_least = 6
column = "AESTHETIC_SCORE"
[[prompts.where]]
at_most = 5e-1
column = "PWATERMARK"
[[checkpoint]]
samplers = ["ddim", "dpm", "dpm++"]
path = "sd15"
name = "sd21-base"
[[checkpoint]]
name = "sd21-25"
guidance_scale = [7.5]
steps = [25, 50]
samplers = ["dpm++"]
path = "sd21-v"
[[checkpoint]]
name = "lcm"
path = "lcm-sd15"
samplers = ["lcm"]
[[checkpoint]]
name = "guided-distill"
samplers = ["guided-distill"]
[checkpoint.path]
8 = "gd-8"
4 = "gd-4"
2 = "gd-2"
1 = "gd-1"
)";
  // In TOML what stands after a table belongs to it: the two keys of the top come first.
  EXPECT_EQ(read("seed = 20231006\nname = \"table1-512\"\n" + other).canonical_json, read(kWhole).canonical_json);
}

TEST_F(CanonicalJson, IsTheSameForASettingOfTheCommandLine) {
  EXPECT_EQ(hash(kWhole, {"seed=1", "prompts.file=captions.txt"}),
            hash(edited(edited(kWhole, "20231006", "1"), "captions.tsv", "captions.txt")));
}

TEST_F(CanonicalJson, DiffersForEverySetting) {
  std::map<std::string, std::string> seen{{hash(kWhole), "the whole"}};
  const auto differs = [&](const std::string& from, const std::string& to) {
    const auto [other, fresh] = seen.emplace(hash(edited(kWhole, from, to)), to);
    EXPECT_TRUE(fresh) << from << " -> " << to << " hashes as " << other->second;
  };
  differs("table1-512", "table1");
  differs("20231006", "20231007");
  differs("captions.tsv", "captions.txt");
  differs("text = \"caption\"", "text = \"title\"");
  differs("text = \"caption\"\n", "");
  differs("AESTHETIC_SCORE", "SCORE");
  differs("at_least = 6.0", "at_least = 6.5");
  differs("at_most = 9.5", "at_most = 9");
  differs(", { column = \"PWATERMARK\", at_most = 0.5 }", "");
  differs("count = 10000", "count = 10001");
  differs("count = 10000\n", "");
  differs("images_per_prompt = 3", "images_per_prompt = 2");
  differs("\"blurry\"", "\"\"");
  differs("images = \"laion/\"", "images = \"clip\"");
  differs("images = \"laion/\"", "statistics = \"laion.npz\"");
  differs("images = \"laion/\"", "statistics = \"laion.npz\"\nassume_protocol = true");
  differs("name = \"lcm\"", "name = \"lcm-2\"");
  differs("\"lcm-sd15\"", "\"lcm-lora\"");
  differs("\"ddim\", \"dpm\", \"dpm++\"", "\"ddim\", \"dpm\"");
  differs("\"ddim\", \"dpm\", \"dpm++\"", "\"ddim\", \"dpm++\", \"dpm\"");  // the order of the rows
  differs("[25, 50]", "[25]");
  differs("guidance_scale = [7.5]", "guidance_scale = [8]");
  differs("guidance_scale = [7.5]", "omega = [6.5]");  // the table shows the one that was given
  differs("guidance_scale = [7.5]\n", "");
  differs("8 = \"gd-8\"", "8 = \"gd-4\"");
  differs("8 = \"gd-8\"", "8 = \"gd-8\", 16 = \"gd-8\"");
  differs("[1, 2, 4, 8]", "[1, 2, 4]");
  differs("[\"trailing\"]", "[\"leading\"]");
  differs("\"zero\"", "\"min\"");
  differs("omega = [8.0]", "omega = [8.5]");
  differs("omega = [8.0]", "guidance_scale = [9.0]");
  differs("[50]", "[25]");
  differs("\"pytorch-fid\"", "\"torch-fidelity\"");
  differs("weights = \"inception.safetensors\"", "weights = \"laion.npz\"");
  differs("model = \"clip\"", "model = \"clip\"\nprotocol = \"torchmetrics\"");
  differs("model = \"clip\"", "model = \"laion\"");
  differs("batch = [1]", "batch = [1, 8]");
  differs("warmup = 3", "warmup = 4");
  differs("repetitions = 10", "repetitions = 11");
  differs("[timing]\nbatch = [1]\nwarmup = 3\nrepetitions = 10\n", "");
  differs("height = 512", "height = 768");
  differs("width = 768", "width = 512");
  differs("keep = true", "keep = false");
  const std::string scenes = "builtin = \"shapes\"";
  differs("images = \"laion/\"", scenes);
  differs("images = \"laion/\"", scenes + "\ncount = 4001");
  differs("images = \"laion/\"", scenes + "\nfirst = 100001");
  differs("images = \"laion/\"", scenes + "\nstyle = \"outline\"");
  differs("images = \"laion/\"", scenes + "\nsplit = \"validation\"");
  EXPECT_EQ(seen.size(), 49U);
}

TEST_F(CanonicalJson, SaysWhichBuiltinScenes) {
  const std::string scenes = edited(kLeast, "file = \"captions.txt\"", "builtin = \"shapes\"\ncount = 5");
  const auto said = [&](const std::string& text) { return nlohmann::json::parse(read(text).canonical_json); };
  using nlohmann::json;
  EXPECT_EQ(said(scenes).at("prompts"),
            json({{"builtin", "shapes"}, {"split", "test"}, {"style", "filled"}, {"count", 5}}));
  EXPECT_EQ(said(scenes + "[reference]\nbuiltin = \"shapes\"\n").at("reference"), json({{"builtin", "shapes"},
                                                                                        {"split", "test"},
                                                                                        {"style", "filled"},
                                                                                        {"count", 4000},
                                                                                        {"first", 100'000},
                                                                                        {"assume_protocol", false}}));
}

TEST_F(CanonicalJson, SaysWhatWasGiven) {
  const auto json = nlohmann::json::parse(read(kWhole).canonical_json);
  EXPECT_EQ(json.at("seed"), 20231006);
  EXPECT_EQ(json.at("prompts").at("file"), at("captions.tsv").string());
  EXPECT_EQ(json.at("checkpoint").at(1).at("guidance").at(0).at("guidance_scale"), 7.5);
  EXPECT_EQ(json.at("checkpoint").at(3).at("path").at("8"), at("gd-8").string());
  EXPECT_EQ(json.at("grid").at("guidance").at(0).at("omega"), 8.0);
  EXPECT_TRUE(json.at("prompts").at("where").at(1).at("at_least").is_null());
}

}  // namespace
}  // namespace fewstep
