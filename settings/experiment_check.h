#pragma once
#include "core/faults.h"
#include "settings/experiment.h"
#include "settings/toml/table.h"

#include <map>
#include <string>

namespace fewstep {

// Where things stand in the experiment file, for checks that need the whole of it.
struct ExperimentPlaces {
  const std::map<std::filesystem::path, std::string>& paths;
  const TomlTable& grid;
  const std::map<std::string, TomlTable>& checkpoints;  // [[checkpoint]] or [[distill]], by name
};

// What can be known without loading anything: the files of the cells that only selects are there (else Error kInput),
// samplers fit their checkpoints, and every such cell has a grid (else Error kUsage). Fills in
// own_original_inference_steps. Files that are missing or broken go to faults, all of them.
void check_experiment(Experiment& experiment, const ExperimentPlaces& places, const std::string& only, Faults& faults);

// Every setting with sorted keys, as JSON.
std::string canonical_json(const Experiment& experiment);

}  // namespace fewstep
