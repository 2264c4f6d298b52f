#pragma once
#include "harness/program.h"
#include "temporary.h"

#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <utility>

namespace fewstep {

// An experiment over the tiny random checkpoints, in a folder of its own.
struct SmallExperiment {
  TemporaryFolder folder;
  std::string golden = FEWSTEP_TEST_DATA;
  int captions = 6;
  std::string checkpoints = checkpoint("lcm", "lcm");
  std::string steps = "[1, 4]";
  std::string metrics = "[[metric]]\nname = \"clip-score\"\nmodel = \"" + golden + "/metrics/clip-tiny\"\n";
  std::string more = {};  // further tables
  std::string top = {};   // further keys at the top

  std::string checkpoint(const std::string& name, const std::string& sampler, std::string path = {}) const {
    if (path.empty()) path = golden + "/checkpoints/" + name;
    return "[[checkpoint]]\nname = \"" + name + "\"\npath = \"" + path + "\"\nsamplers = [\"" + sampler + "\"]\n";
  }

  std::filesystem::path write() const {
    return folder.write("small.toml", "name = \"small\"\nseed = 5\n" + top + "[prompts]\nfile = \"" + golden +
                                          "/prompts/coco2014_captions.tsv\"\ncount = " + std::to_string(captions) +
                                          "\n" + checkpoints + "[grid]\nsteps = " + steps + "\nomega = [3.0]\n" +
                                          metrics + more);
  }

  std::filesystem::path store() const { return folder.path() / "small.sqlite"; }

  std::vector<std::string> run_arguments(const std::vector<std::string>& options = {}) const {
    std::vector<std::string> arguments{"run", write(), "--store", store(), "--device", "cpu"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return arguments;
  }
  Finished run(const std::vector<std::string>& options = {}, const std::function<void()>& before = {}) const {
    return run_program("fewstep", run_arguments(options), before);
  }

  nlohmann::json report() const {
    return nlohmann::json::parse(run_program("fewstep", {"report", store(), "--format", "json"}).out);
  }
};

}  // namespace fewstep
