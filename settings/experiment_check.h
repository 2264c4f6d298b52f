#pragma once
#include "settings/experiment.h"

#include <map>
#include <string>
#include <utility>

namespace fewstep {

// Where things stand in the experiment file ("file:line:column"), for checks that need the whole of it.
struct ExperimentPlaces {
  std::map<std::filesystem::path, std::string> paths;
  std::map<std::pair<std::string, std::string>, std::string> samplers;  // (checkpoint, sampler)
  std::map<std::string, std::string> checkpoints;
  std::map<Spacing, std::string> spacing;               // where given
  std::string steps;                                    // of [grid]
  std::map<std::string, std::string> checkpoint_steps;  // of a checkpoint that has its own
};

// What can be known without loading anything: the files of the cells that only selects are there (else Error kInput),
// samplers fit their checkpoints, and every such cell has a grid (else Error kUsage). Fills in own_original_steps.
void check_experiment(Experiment& experiment, const ExperimentPlaces& places, const std::string& only);

// Every setting with sorted keys, as JSON.
std::string canonical_json(const Experiment& experiment);

}  // namespace fewstep
