#pragma once
#include "core/error.h"
#include "settings/cells.h"
#include "temporary.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace fewstep {

inline std::filesystem::path golden_checkpoint(const std::string& name) {
  return std::filesystem::path(FEWSTEP_TEST_DATA) / "checkpoints" / name;
}

// text with the one place that reads from replaced.
inline std::string edited(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  if (at == std::string::npos || text.find(from, at + 1) != std::string::npos)
    ADD_FAILURE() << "expected once: " << from;
  else
    text.replace(at, from.size(), to);
  return text;
}

// "LINE:COLUMN" of a passage.
inline std::string place_in(const std::string& text, const std::string& passage) {
  const auto at = text.find(passage);
  if (at == std::string::npos) return "nowhere: " + passage;
  const auto begin = text.rfind('\n', at) + 1;  // 0 on the first line
  return std::to_string(1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n')) + ":" +
         std::to_string(at - begin + 1);
}

// A folder with everything that kWhole names, and the experiment in it.
class ExperimentFolder : public testing::Test {
 protected:
  ExperimentFolder() {
    const auto link = [&](const std::string& checkpoint, const std::string& name) {
      std::filesystem::create_directory_symlink(golden_checkpoint(checkpoint), folder_.path() / name);
    };
    link("sd15", "sd15");
    link("sd21-v", "sd21-v");
    link("lcm", "lcm-sd15");
    link("lcm-lora", "lcm-lora");
    for (const char* name : {"gd-1", "gd-2", "gd-4", "gd-8"}) link("guided-distill", name);
    for (const char* name : {"captions.tsv", "captions.txt", "laion.npz", "inception.safetensors"})
      folder_.write(name, "");
    for (const char* name : {"laion", "clip"}) std::filesystem::create_directory(folder_.path() / name);
  }

  std::filesystem::path file() const { return folder_.path() / "whole.toml"; }
  Experiment read(const std::string& text, const std::vector<std::string>& set = {}) const {
    folder_.write("whole.toml", text);
    return read_experiment(file(), set);
  }
  std::filesystem::path at(const std::string& name) const { return folder_.path() / name; }

  TemporaryFolder folder_;
};

// Every table and every key.
inline const std::string kWhole = R"(name = "table1-512"
seed = 20231006
[prompts]
file = "captions.tsv"
text = "caption"
where = [ { column = "AESTHETIC_SCORE", at_least = 6.0, at_most = 9.5 }, { column = "PWATERMARK", at_most = 0.5 } ]
count = 10000
images_per_prompt = 3
negative_prompt = "blurry"
[reference]
images = "laion/"
[[checkpoint]]
name = "sd21-base"
path = "sd15"
samplers = ["ddim", "dpm", "dpm++"]
[[checkpoint]]
name = "sd21-25"
path = "./sd21-v/"
samplers = ["dpm++"]
steps = [25, 50]
guidance_scale = [7.5]
[[checkpoint]]
name = "lcm"
path = "lcm-sd15"
samplers = ["lcm"]
[[checkpoint]]
name = "guided-distill"
path = { 1 = "gd-1", 2 = "gd-2", 4 = "gd-4", 8 = "gd-8" }
samplers = ["guided-distill"]
[grid]
steps = [1, 2, 4, 8]
spacing = ["trailing"]
final_sigma = "zero"
omega = [8.0]
original_inference_steps = [50]
[[metric]]
name = "fid"
protocol = "pytorch-fid"
weights = "inception.safetensors"
[[metric]]
name = "clip-score"
model = "clip"
[timing]
batch = [1]
warmup = 3
repetitions = 10
[images]
height = 512
width = 768
keep = true
)";

// The least that an experiment says.
inline const std::string kLeast = R"(name = "least"
seed = 0
[prompts]
file = "captions.txt"
[[checkpoint]]
name = "a"
path = "sd15"
samplers = ["ddim"]
[grid]
steps = [4]
omega = [7]
)";

}  // namespace fewstep
