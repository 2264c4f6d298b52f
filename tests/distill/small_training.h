#pragma once
#include "core/files.h"
#include "harness/program.h"
#include "temporary.h"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <string>
#include <vector>

namespace fewstep {

// The recipes of pocket/, cut short, in a folder of their own that is laid out as pocket/ is.
struct SmallTraining {
  TemporaryFolder folder;

  SmallTraining() {
    const std::filesystem::path pocket = std::string(FEWSTEP_SOURCE_DIR) + "/pocket";
    for (const char* part : {"networks", "recipes"})
      std::filesystem::copy(pocket / part, folder.path() / part, std::filesystem::copy_options::recursive);
  }

  std::filesystem::path output(const std::string& name) const { return folder.path() / name; }

  std::vector<std::string> arguments(const std::string& recipe, const std::vector<std::string>& settings) const {
    std::vector<std::string> list{"distill", folder.path() / "recipes" / (recipe + ".toml"), "--device", "cpu"};
    for (const std::string& setting : settings) list.insert(list.end(), {"--set", setting});
    for (const std::string& setting : {"data.cache=" + (folder.path() / "cache").string(),
                                       std::string("data.count=512"), std::string("train.warmup=5")})
      list.insert(list.end(), {"--set", setting});
    return list;
  }
  Finished train(const std::string& recipe, const std::vector<std::string>& settings) const {
    return run_program("fewstep", arguments(recipe, settings), one_thread);
  }
  // Beside other tests two threads that wait for each other are slower than one.
  static void one_thread() { ::setenv("OMP_NUM_THREADS", "1", 1); }

  // [phase, step, loss, gradient norm, learning rate] each.
  nlohmann::json losses(const std::string& output_folder) const {
    return nlohmann::json::parse(read_file(output(output_folder) / "fewstep.json")).at("losses");
  }
};

}  // namespace fewstep
